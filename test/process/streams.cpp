#define BOOST_TEST_MODULE streams
#include "process/streams.hpp"

#include "process/fork.hpp"
#include "support/processes.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <functional>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace data = boost::unit_test::data;
using namespace procx::detail;
using namespace processes;

namespace {

int code_of_created(std::function<int()> const& body) {
  return fork_process({.capture_stderr = false}, body)->wait_until(std::nullopt)->code();
}

std::FILE* opened = nullptr;  // by the user, and nothing that procx is told of

struct kind_of_stream {
  char const* name;
  std::function<void()> write;  // a word, without flushing
  friend std::ostream& operator<<(std::ostream& out, kind_of_stream const& s) { return out << s.name; }
};

std::vector<kind_of_stream> const kinds{
    {"FILE", [] { std::fputs("once ", opened); }},
    {"wide FILE", [] { std::fputws(L"once ", opened); }},
    {"stdout", [] { std::fputs("once ", stdout); }},
    {"stderr", [] { std::fputs("once ", stderr); }},
    {"cout", [] { std::cout << "once "; }},
    {"cerr", [] { std::cerr << std::nounitbuf << "once "; }},
    {"clog", [] { std::clog << "once "; }},
    {"wcout", [] { std::wcout << L"once "; }},
    {"wcerr", [] { std::wcerr << std::nounitbuf << L"once "; }},
    {"wclog", [] { std::wclog << L"once "; }},
};

/// A program whose streams have buffers of their own, and lead into one pipe; what comes out of it until it has ended.
std::string output_of(std::function<void()> const& body) {
  own_pipe out;
  std::fflush(nullptr);
  int const code = code_of_fork([&] {
    ::dup2(out.write.get(), STDOUT_FILENO);
    ::dup2(out.write.get(), STDERR_FILENO);
    opened = ::fdopen(out.write.get(), "w");
    std::setvbuf(stdout, nullptr, _IOFBF, 4096);
    std::setvbuf(stderr, nullptr, _IOFBF, 4096);
    std::ios::sync_with_stdio(false);
    body();
    flush_all_streams();
    return 0;
  });
  out.write.close();
  return code == 0 ? read_all(out.read.get()) : "it ended with " + std::to_string(code);
}

/// A thread that does nothing: but who could know that?
class idle_thread {
 public:
  ~idle_thread() {
    gate_.write.close();
    thread_.join();
  }

 private:
  own_pipe gate_;
  std::thread thread_{[this] { read_all(gate_.read.get()); }};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(buffered_output)

BOOST_DATA_TEST_CASE(of_the_program_is_written_once, data::make(kinds) * data::make({false, true}), kind, threads) {
  std::string const out = output_of([&] {
    std::optional<idle_thread> other;
    if (threads) other.emplace();
    kind.write();
    for (int i = 0; i < 2; ++i) CHILD_CHECK(code_of_created([] { return 7; }) == 7);
  });
  BOOST_TEST(out == "once ");
}

BOOST_DATA_TEST_CASE(of_a_child_is_written_once, data::make(kinds) * data::make({false, true}), kind, threads) {
  std::string const out = output_of([&] {
    std::optional<idle_thread> other;
    if (threads) other.emplace();
    CHILD_CHECK(code_of_created([&] {
      kind.write();
      return 7;
    }) == 7);
  });
  BOOST_TEST(out == "once ");
}

BOOST_DATA_TEST_CASE(of_both_is_written_once_by_each, data::make(kinds) * data::make({false, true}), kind, threads) {
  std::string const out = output_of([&] {
    std::optional<idle_thread> other;
    if (threads) other.emplace();
    kind.write();
    CHILD_CHECK(code_of_created([&] {
      kind.write();
      return 7;
    }) == 7);
    kind.write();
  });
  BOOST_TEST(out == "once once once ");
}

BOOST_AUTO_TEST_CASE(of_a_stream_that_a_thread_holds_is_waited_for_by_nobody) {
  std::string const out = output_of([&] {
    own_pipe held, gate;
    std::thread other([&] {
      ::flockfile(opened);
      ::fputs_unlocked("once ", opened);
      held.write.close();
      read_all(gate.read.get());
      ::funlockfile(opened);
    });
    read_all(held.read.get());
    int const code = code_of_created([] { return 7; });
    gate.write.close();
    other.join();
    CHILD_CHECK(code == 7);
  });
  BOOST_TEST(out == "once ");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(what_a_child_finds_in_streams)

BOOST_AUTO_TEST_CASE(what_was_read_ahead_is_there) {
  BOOST_TEST(code_of_fork([] {
    idle_thread const other;
    own_pipe text;
    CHILD_CHECK(::write(text.write.get(), "1 2", 3) == 3);
    text.write.close();
    std::FILE* const in = ::fdopen(text.read.get(), "r");
    int first = 0;
    CHILD_CHECK(std::fscanf(in, "%d", &first) == 1);
    return code_of_created([&] {
      int second = 0;
      return std::fscanf(in, "%d", &second) == 1 ? second : 99;
    });
  }) == 2);
}

BOOST_AUTO_TEST_CASE(a_stream_into_memory_has_its_text) {
  BOOST_TEST(code_of_fork([] {
    idle_thread const other;
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* const memory = ::open_memstream(&text, &size);
    std::ostringstream collected;
    std::cout.rdbuf(collected.rdbuf());
    std::fputs("begun ", memory);
    std::cout << "begun ";
    return code_of_created([&] {
      std::fputs("ended", memory);
      std::cout << "ended";
      std::fclose(memory);
      return std::string(text) == "begun ended" && collected.str() == "begun ended" ? 7 : 1;
    });
  }) == 7);
}

BOOST_AUTO_TEST_CASE(one_that_throws_when_it_cannot_write_does_not_keep_a_process_from_being_made) {
  BOOST_TEST(code_of_fork([] {
    std::ios::sync_with_stdio(false);
    std::cout.exceptions(std::ios::badbit);
    std::cout << "nobody can have this";
    ::close(STDOUT_FILENO);
    return code_of_created([] { return 7; });
  }) == 7);
}

BOOST_AUTO_TEST_SUITE_END()
