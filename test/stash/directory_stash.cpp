#define BOOST_TEST_MODULE directory_stash
#include "stash/checksum.hpp"
#include "support/processes.hpp"
#include "support/scratch.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace px = procx;
namespace fs = std::filesystem;

namespace {

std::string content(fs::path const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void overwrite(fs::path const& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::vector<fs::path> files_in(fs::path const& directory) {
  std::vector<fs::path> all;
  for (auto const& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) all.push_back(entry.path());
  std::ranges::sort(all);
  return all;
}
fs::path only_record(fs::path const& directory) {
  auto all = files_in(directory);
  std::erase_if(all, [](fs::path const& file) { return file.filename() == "procx-stash"; });
  BOOST_REQUIRE_EQUAL(all.size(), 1u);
  return all[0];
}

std::uint64_t checksum(std::string_view text) { return px::detail::checksum_of(std::as_bytes(std::span(text))); }

auto with_code(px::errc code) {
  return [code](px::stash_error const& e) { return e.code() == code; };
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(directory_stashes, scratch_directory)

BOOST_AUTO_TEST_CASE(the_checksum_is_the_one_of_its_specification) {
  BOOST_TEST(checksum("") == 0xef46db3751d8e999u);
  BOOST_TEST(checksum("a") == 0xd24ec4f1a98c6e5bu);
  BOOST_TEST(checksum("abc") == 0x44bc2cf5ad770999u);
  BOOST_TEST(checksum("Nobody inspects the spammish repetition") == 0xfbcea83c8a378bf1u);
}

BOOST_AUTO_TEST_CASE(a_record_that_was_cut_off_anywhere_is_a_missing_one) {
  px::directory_stash<std::string> s(path / "s");
  s.dump("key", "a value");
  fs::path const file = only_record(path / "s");
  std::string const whole = content(file);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    overwrite(file, std::string_view(whole).substr(0, length));
    BOOST_TEST(!s.load("key"), "with " << length << " of " << whole.size() << " bytes");
    BOOST_TEST(!s.exists("key"));
    BOOST_TEST(s.size() == 0u);
    BOOST_TEST(s.keys().empty());
    BOOST_TEST(!s.erase("key"));
  }
  overwrite(file, whole + '\0');
  BOOST_TEST(!s.load("key"));
  s.dump("key", "another value");
  BOOST_TEST(s.at("key") == "another value");
}

BOOST_AUTO_TEST_CASE(a_record_with_a_changed_byte_anywhere_is_never_loaded) {
  px::directory_stash<std::string> s(path / "s");
  s.dump("key", "a value");
  fs::path const file = only_record(path / "s");
  std::string const whole = content(file);
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (int bit : {0, 7}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
      overwrite(file, changed);
      BOOST_TEST(!s.load("key"), "byte " << at);
      BOOST_TEST(!s.exists("key"));
    }
  overwrite(file, whole);
  BOOST_TEST(s.at("key") == "a value");
}

BOOST_AUTO_TEST_CASE(a_record_in_another_keys_place_is_not_taken_for_its) {
  px::directory_stash<int> s(path / "s");
  s.dump("1", 1);
  fs::path const first = only_record(path / "s");
  std::string const record = content(first);
  s.erase("1");
  s.dump("2", 2);
  overwrite(only_record(path / "s"), record);
  BOOST_TEST(!s.load("2"));
}

BOOST_AUTO_TEST_CASE(a_directory_of_other_files_is_refused_and_left_as_it_is) {
  fs::create_directories(path / "home");
  overwrite(path / "home/letter", "Dear Sir");
  BOOST_CHECK_EXCEPTION(px::directory_stash<int>(path / "home"), px::stash_error, with_code(px::errc::protocol_error));
  BOOST_TEST(files_in(path / "home").size() == 1u);
  BOOST_TEST(content(path / "home/letter") == "Dear Sir");
}

BOOST_AUTO_TEST_CASE(a_stash_of_an_unknown_version_is_refused_and_left_as_it_is) {
  px::directory_stash<int>(path / "s").dump("a", 1);
  overwrite(path / "s/procx-stash", "procx stash 2\n");
  auto const before = files_in(path / "s");
  BOOST_CHECK_EXCEPTION(px::directory_stash<int>(path / "s"), px::stash_error, with_code(px::errc::protocol_error));
  BOOST_TEST(files_in(path / "s") == before, boost::test_tools::per_element());
  BOOST_TEST(content(path / "s/procx-stash") == "procx stash 2\n");
}

BOOST_AUTO_TEST_CASE(clearing_takes_away_nothing_but_records) {
  px::directory_stash<int> s(path / "s");
  s.dump("a", 1);
  fs::path const note = only_record(path / "s").parent_path() / "note.txt";
  overwrite(note, "mine");
  s.clear();
  BOOST_TEST(content(note) == "mine");
  BOOST_TEST(px::directory_stash<int>(path / "s").empty());
}

BOOST_AUTO_TEST_CASE(a_file_in_the_place_of_the_directory_is_an_error) {
  overwrite(path / "s", "text");
  BOOST_CHECK_THROW(px::directory_stash<int>(path / "s"), px::stash_error);
  BOOST_CHECK_THROW(px::directory_stash<int>(path / "s/below"), px::stash_error);
  BOOST_TEST(content(path / "s") == "text");
}

BOOST_AUTO_TEST_CASE(where_nothing_may_be_written_values_can_be_read) {
  px::directory_stash<int>(path / "s").dump("a", 1);
  auto const set_folders = [this](fs::perms to) {
    for (auto const& entry : fs::recursive_directory_iterator(path))
      if (entry.is_directory()) fs::permissions(entry.path(), to);
  };
  fs::permissions(path, fs::perms::all);
  set_folders(fs::perms(0555));
  BOOST_TEST(processes::code_of_fork([&] {
    constexpr uid_t nobody = 65534;
    if (::getuid() == 0 && ::setresuid(nobody, nobody, nobody) != 0) return 2;
    px::directory_stash<int> s(path / "s");
    CHILD_CHECK(s.at("a") == 1);
    CHILD_CHECK(s.size() == 1);
    std::function<void()> const writes[] = {[&] { s.dump("a", 2); }, [&] { s.dump("b", 2); }, [&] { s.erase("a"); },
                                            [&] { s.clear(); }};
    for (auto const& write : writes) {
      try {
        write();
        return 3;
      } catch (px::stash_error const& e) {
        CHILD_CHECK(e.code() == boost::system::errc::permission_denied);
      }
    }
    return 0;
  }) == 0);
  set_folders(fs::perms::owner_all);
  BOOST_TEST(px::directory_stash<int>(path / "s").at("a") == 1);
}

BOOST_AUTO_TEST_CASE(what_a_killed_writer_has_left_behind_is_removed_but_not_what_is_being_written) {
  px::directory_stash<int> s(path / "s");
  s.dump("a", 1);
  fs::path const folder = only_record(path / "s").parent_path();
  overwrite(folder / ".new-left-behind", "half");
  overwrite(folder / ".new-in-work", "half");
  int const fd = ::open((folder / ".new-in-work").c_str(), O_RDONLY | O_CLOEXEC);
  BOOST_REQUIRE(::flock(fd, LOCK_EX) == 0);
  BOOST_TEST(s.size() == 1u);
  BOOST_TEST(!fs::exists(folder / ".new-left-behind"));
  BOOST_TEST(fs::exists(folder / ".new-in-work"));
  ::close(fd);
}

BOOST_AUTO_TEST_CASE(processes_that_write_the_same_keys_never_see_a_wrong_value) {
  constexpr int keys = 20, rounds = 30;
  auto const work = [&](char mine) {
    px::directory_stash<std::string> s(path / "s");
    for (int i = 0; i < rounds * keys; ++i) {
      std::string const key = std::to_string(i % keys);
      s.dump(key, std::string(static_cast<std::size_t>(200 + i % 7), mine));
      auto const value = s.load(key);
      if (!value || value->find_first_not_of(value->front()) != std::string::npos) return 1;
      if (i % 50 == 0 && s.size() > keys) return 2;  // which also looks for what was left behind
    }
    return 0;
  };
  int codes = 0;
  std::vector<pid_t> children;
  for (char mine : {'a', 'b', 'c'}) {
    pid_t const pid = ::fork();
    if (pid == 0) {
      ::alarm(60);
      int code = 125;
      try {
        code = work(mine);
      } catch (std::exception const& e) {
        std::cerr << e.what() << std::endl;
      }
      ::_exit(code);
    }
    children.push_back(pid);
  }
  for (pid_t const pid : children) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    codes |= status;
  }
  BOOST_TEST(codes == 0);
  BOOST_TEST(px::directory_stash<std::string>(path / "s").size() == static_cast<std::size_t>(keys));
  for (fs::path const& file : files_in(path / "s")) BOOST_TEST(!file.filename().string().starts_with(".new-"));
}

BOOST_AUTO_TEST_SUITE_END()
