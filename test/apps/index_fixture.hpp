#pragma once

#include "apps/program.hpp"

#include <cstdint>
#include <random>

namespace fs = std::filesystem;

/// A directory for one test, with a tree of files in it and an index beside it.
class index_fixture {
 public:
  index_fixture() : home_(make_directory()) {
    fs::permissions(home_, fs::perms::all);
    fs::create_directory(tree());
    fs::permissions(tree(), fs::perms::all);
  }
  ~index_fixture() {
    std::error_code ignored;
    fs::remove_all(home_, ignored);
  }

  fs::path const& home() const { return home_; }
  fs::path tree() const { return home_ / "tree"; }
  fs::path index() const { return home_ / "index"; }

  void write(fs::path const& name, std::string const& text) const {
    fs::create_directories((tree() / name).parent_path());
    std::ofstream(tree() / name, std::ios::binary) << text;
  }

  /// Files of 20 kB with many different words, the same every time.
  void fill(int files) const {
    std::minstd_rand random(1);
    std::string words;
    while (words.size() < 100'000) {
      for (auto n = random() % 50'000 + 16; n > 0; n /= 16) words += static_cast<char>('a' + n % 16);
      words += words.size() % 8 ? ' ' : '\n';
    }
    for (int i = 0; i < files; ++i)
      write("part" + std::to_string(i % 7) + "/file" + std::to_string(i), words.substr(random() % 80'000, 20'000));
  }

  static std::vector<std::string> command(std::vector<std::string> const& args) {
    std::vector<std::string> all{PROCX_TEST_SUPPORT "/procx-index"};
    all.insert(all.end(), args.begin(), args.end());
    return all;
  }
  static ended run(std::vector<std::string> const& args, program_options const& options = {}) {
    return program(command(args), options).wait();
  }
  std::vector<std::string> build_arguments(std::vector<std::string> const& more = {}) const {
    return build_arguments(more, index());
  }
  std::vector<std::string> build_arguments(std::vector<std::string> const& more, fs::path const& to) const {
    std::vector<std::string> args{"build", tree(), "-o", to};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  ended build(std::vector<std::string> const& more = {}, program_options const& options = {}) const {
    return run(build_arguments(more), options);
  }
  ended search(std::vector<std::string> words) const {
    words.insert(words.begin(), {"search", index()});
    return run(words);
  }

  /// What `check` says the index holds; empty, and a failure, if the index is not in order.
  std::string checksum(fs::path const& of) const {
    ended const e = run({"check", of});
    BOOST_TEST_INFO(e.err);
    BOOST_TEST(e.code == 0);
    return e.out.substr(0, e.out.find(' '));
  }
  std::string checksum() const { return checksum(index()); }

  /// What the checksum is after a build that nothing disturbs.
  std::string undisturbed(std::vector<std::string> const& more = {}) const {
    fs::path const other = home_ / "undisturbed";
    BOOST_TEST(run(build_arguments(more, other)).code == 0);
    return checksum(other);
  }

  /// Waits until a build that has just begun stores words: then many pages of the index await a commit.
  bool storing(program& build) const {
    std::string const journal = index().string() + "-journal";
    struct stat status;
    auto const has_begun = [&] { return ::stat(journal.c_str(), &status) == 0 && status.st_size > 64'000; };
    return eventually([&] { return build.over() || has_begun(); }) && !build.over();
  }

 private:
  static fs::path make_directory() {
    std::string name = fs::temp_directory_path() / "procx-index.XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name.data()));
    return name;
  }

  fs::path home_;
};

inline bool contains(std::string const& text, std::string const& part) { return text.find(part) != text.npos; }

inline std::size_t lines_of(std::string const& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}
