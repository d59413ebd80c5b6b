#define BOOST_TEST_MODULE sqlite_stash
#include "stash/sqlite_database.hpp"
#include "support/processes.hpp"
#include "support/scratch.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace px = procx;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using px::detail::sqlite_database;

namespace {

std::string content(fs::path const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void overwrite(fs::path const& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

auto refused(px::errc code, std::string words) {
  return [code, words](px::stash_error const& e) {
    BOOST_TEST_MESSAGE(e.what());
    return e.code() == code && std::string(e.what()).find(words) != std::string::npos;
  };
}

/// Runs the body in so many processes at once; whether all have ended with 0.
bool all_do(int processes, std::function<int(int)> const& body) {
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    pid_t const pid = ::fork();
    if (pid == 0) ::_exit(processes::code_of_fork([&] {
      ::alarm(100);
      return body(i);
    }));
    children.push_back(pid);
  }
  bool good = true;
  for (pid_t const pid : children) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    good = good && status == 0;
  }
  return good;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sqlite_stashes, scratch_directory)

BOOST_AUTO_TEST_CASE(a_file_has_many_stashes_of_any_name) {
  fs::path const file = path / "below/all.db";
  std::vector<std::string> const names{"a", "A", "", "select", "a\"b'c", std::string("n\0l", 3), "stashes", "stash_1"};
  for (std::size_t i = 0; i < names.size(); ++i) px::sqlite_stash<std::size_t>(file, names[i]).dump("key", i);
  px::sqlite_stash<std::string>(file, "texts").dump("key", "text");
  for (std::size_t i = 0; i < names.size(); ++i) {
    px::sqlite_stash<std::size_t> s(file, names[i]);
    BOOST_TEST(s.at("key") == i);
    BOOST_TEST(s.size() == 1u);
  }
  px::sqlite_stash<std::size_t>(file, "a").clear();
  BOOST_TEST(px::sqlite_stash<std::size_t>(file, "A").at("key") == 1u);
  BOOST_TEST(px::sqlite_stash<std::string>(file, "texts").at("key") == "text");
}

BOOST_AUTO_TEST_CASE(garbage_in_the_place_of_the_file_is_refused_and_left_as_it_is) {
  for (std::size_t size : {1u, 16u, 99u, 100u, 512u, 4'096u, 100'000u}) {
    std::string const garbage(size, 'g');
    overwrite(path / "g.db", garbage);
    BOOST_CHECK_EXCEPTION(px::sqlite_stash<int>(path / "g.db", "t"), px::stash_error,
                          refused(px::errc::protocol_error, "is no database"));
    BOOST_TEST((content(path / "g.db") == garbage), size << " bytes");
  }
}

BOOST_AUTO_TEST_CASE(a_database_of_another_program_is_refused_and_left_as_it_is) {
  fs::path const file = path / "letters.db";
  sqlite_database(file, 1s).run("CREATE TABLE letters(text)");
  std::string const before = content(file);
  BOOST_CHECK_EXCEPTION(px::sqlite_stash<int>(file, "letters"), px::stash_error,
                        refused(px::errc::protocol_error, "another program"));
  BOOST_TEST((content(file) == before));
  for (auto const& entry : fs::directory_iterator(path)) BOOST_TEST(entry.path() == file);
}

BOOST_AUTO_TEST_CASE(a_stash_of_an_unknown_version_is_refused_and_left_as_it_is) {
  fs::path const file = path / "s.db";
  px::sqlite_stash<int>(file, "t").dump("a", 1);
  sqlite_database(file, 1s).run("PRAGMA user_version = 2");
  std::string const before = content(file);
  BOOST_CHECK_EXCEPTION(px::sqlite_stash<int>(file, "t"), px::stash_error, refused(px::errc::protocol_error, "version 2"));
  BOOST_TEST((content(file) == before));
}

BOOST_AUTO_TEST_CASE(a_file_cut_short_is_an_error_and_no_crash) {
  fs::path const file = path / "s.db";
  {
    px::sqlite_stash<std::string> s(file, "t");
    for (int i = 0; i < 100; ++i) s.dump(std::to_string(i), std::string(1000, 'v'));
  }
  std::string const whole = content(file);
  for (std::size_t size = 1; size < whole.size(); size += 1999) {
    overwrite(file, whole.substr(0, size));
    try {
      px::sqlite_stash<std::string> s(file, "t");
      for (auto const& [key, value] : s) BOOST_TEST(value == std::string(1000, 'v'));
    } catch (px::stash_error const& e) {
      BOOST_TEST((e.code() == px::errc::protocol_error), e.what());
    }
    for (char const* more : {"-wal", "-shm"}) fs::remove(file.string() + more);
  }
}

BOOST_AUTO_TEST_CASE(a_program_that_keeps_it_locked_is_waited_for_as_long_as_patience_lasts) {
  fs::path const file = path / "s.db";
  px::sqlite_stash<int> s(file, "t", {.patience = 50ms});
  s.dump("a", 1);
  sqlite_database other(file, 1s);
  other.run("BEGIN IMMEDIATE");
  BOOST_TEST(s.at("a") == 1);  // readers do not wait
  auto const begin = std::chrono::steady_clock::now();
  BOOST_CHECK_EXCEPTION(s.dump("a", 2), px::stash_error, refused(px::errc::busy, "another program has it locked"));
  BOOST_TEST((std::chrono::steady_clock::now() - begin >= 50ms));
  BOOST_TEST(s.at("a") == 1);
  other.run("ROLLBACK");
  s.dump("a", 3);
  BOOST_TEST(s.at("a") == 3);
}

BOOST_AUTO_TEST_CASE(a_forked_child_is_told_that_it_cannot_use_it) {
  px::sqlite_stash<int> s(path / "s.db", "t");
  s.dump("a", 1);
  BOOST_TEST(processes::code_of_fork([&] {
    for (bool write : {false, true}) {
      try {
        write ? s.dump("a", 2) : void(s.load("a"));
        return 2;
      } catch (px::stash_error const& e) {
        CHILD_CHECK(e.code() == px::errc::foreign_process);
      }
    }
    return 0;
  }) == 0);
  BOOST_TEST(s.at("a") == 1);
}

BOOST_AUTO_TEST_CASE(where_nothing_may_be_written_there_is_a_clear_error) {
  fs::create_directories(path / "locked");
  fs::permissions(path, fs::perms::all);
  fs::permissions(path / "locked", fs::perms(0555));
  BOOST_TEST(processes::code_of_fork([&] {
    constexpr uid_t nobody = 65534;
    if (::getuid() == 0 && ::setresuid(nobody, nobody, nobody) != 0) return 2;
    for (char const* name : {"locked/s.db", "locked/below/s.db"}) {
      try {
        px::sqlite_stash<int> s(path / name, "t");
        return 3;
      } catch (px::stash_error const& e) {
        CHILD_CHECK(e.code() == boost::system::errc::permission_denied);
        CHILD_CHECK(std::string(e.what()).starts_with((path / "locked").string()));
      }
    }
    return 0;
  }) == 0);
  BOOST_TEST(fs::is_empty(path / "locked"));
}

BOOST_AUTO_TEST_CASE(processes_that_open_a_new_file_at_once_and_write_lose_nothing) {
  constexpr int processes = 16, keys = 10;
  fs::path const file = path / "s.db";
  BOOST_TEST(all_do(processes, [&](int mine) {
    px::sqlite_stash<std::string> own(file, std::to_string(mine)), shared(file, "shared");
    for (int i = 0; i < keys; ++i) {
      std::string const key = std::to_string(mine) + '.' + std::to_string(i);
      own.dump(key, key);
      shared.dump(key, key);
      if (shared.load(key) != key) return 1;
    }
    return own.size() == keys ? 0 : 2;
  }));
  px::sqlite_stash<std::string> shared(file, "shared");
  BOOST_TEST(shared.size() == static_cast<std::size_t>(processes * keys));
  for (auto const& [key, value] : shared) BOOST_TEST(key == value);
}

BOOST_AUTO_TEST_CASE(records_put_together_are_all_there_or_none) {
  fs::path const file = path / "s.db";
  constexpr std::size_t together = 500;
  auto const [from_child, to_parent] = [] {
    int ends[2];
    if (::pipe(ends) != 0) std::terminate();
    return std::pair(ends[0], ends[1]);
  }();
  pid_t const child = ::fork();
  if (child == 0) {
    px::sqlite_stash<int> s(file, "t");
    for (int round = 0;; ++round) {
      std::vector<px::byte_store::record> records;
      for (std::size_t i = 0; i < together; ++i)
        records.push_back({px::record_kind::value, std::to_string(round) + '.' + std::to_string(i), px::encode_portable(round)});
      s.storage().put(records);
      if (round == 3 && ::write(to_parent, "x", 1) != 1) ::_exit(1);
    }
  }
  char c;
  BOOST_REQUIRE(::read(from_child, &c, 1) == 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(from_child);
  ::close(to_parent);
  px::sqlite_stash<int> s(file, "t");
  BOOST_TEST(s.size() >= 4 * together);  // what was reported as done
  BOOST_TEST(s.size() % together == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
