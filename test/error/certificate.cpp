#define BOOST_TEST_MODULE certificate
#include <procx/error/describe.hpp>
#include <procx/error/exceptions.hpp>

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <stdexcept>
#include <type_traits>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

template <class E>
std::exception_ptr of(E e) {
  return std::make_exception_ptr(std::move(e));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(certificate)

BOOST_AUTO_TEST_CASE(what_is_known_is_told_line_by_line) {
  px::death_certificate c;
  c.pid = 7;
  c.status = px::exit_status::of_signal(SIGSEGV);
  BOOST_TEST(to_string(c) == "process 7 killed by SIGSEGV\n");
  c.task = 12;
  c.attempt = 3;
  c.cpu_time = 1500ms;
  c.peak_memory = 3 << 19;
  c.fault_address = 0x10;
  c.stderr_tail = "one\ntwo";
  BOOST_TEST(to_string(c) ==
             "process 7 killed by SIGSEGV\n"
             "  task:    12, attempt 3\n"
             "  touched: address 0x10\n"
             "  used:    1.500 s of CPU, 1.5 MiB at most\n"
             "  last words:\n"
             "    one\n"
             "    two\n");
}

BOOST_AUTO_TEST_CASE(why_it_was_killed_is_told) {
  px::death_certificate c;
  c.status = px::exit_status::of_signal(SIGKILL);
  c.cause = px::death_cause::memory_limit;
  BOOST_TEST(to_string(c).find("because: it used more memory than its tasks may") != std::string::npos);
  BOOST_TEST(px::process_died(c).what() == "process 0 killed by SIGKILL, because it used more memory than it may");
  c.cause = px::death_cause::out_of_memory;
  BOOST_TEST(px::process_died(c).what() == "process 0 killed by SIGKILL, because the system ran out of memory");
}

BOOST_AUTO_TEST_CASE(every_error_can_be_described) {
  BOOST_TEST(px::describe(std::exception_ptr()) == "");
  BOOST_TEST(px::describe(of(std::runtime_error("simple"))) == "simple\n");
  BOOST_TEST(px::describe(of(5)) == "an exception of unknown type\n");
  BOOST_TEST(px::describe(of(px::task_timeout())) == "the task took too long\n");

  px::death_certificate c{.pid = 7, .status = px::exit_status::of_signal(SIGTERM), .cause = px::death_cause::timeout};
  BOOST_TEST(px::describe(of(px::task_timeout(c))) ==
             "the task took too long\nprocess 7 killed by SIGTERM\n  because: its task took too long\n");
  BOOST_TEST(px::describe(of(px::process_died(c))) ==
             "process 7 killed by SIGTERM\n  because: its task took too long\n");

  px::exception_record inner{.type_name = "deep", .message = "down", .frames = {}, .no_frames_because = "", .nested = {}};
  px::exception_record outer{.type_name = "high", .message = "up", .frames = {}, .no_frames_because = "", .nested = {inner}};
  BOOST_TEST(px::describe(of(px::remote_exception(outer))) == "high: up\nnested in it: deep: down\n");
}

BOOST_AUTO_TEST_CASE(only_deaths_have_certificates) {
  BOOST_TEST(px::task_timeout().certificate() == nullptr);
  BOOST_TEST(px::process_died(3, px::exit_status::of_code(1), "x").certificate()->stderr_tail == "x");
  static_assert(std::is_nothrow_copy_constructible_v<px::process_died>);
}

BOOST_AUTO_TEST_SUITE_END()
