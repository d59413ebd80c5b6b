#define BOOST_TEST_MODULE exceptions
#include <procx/channel/start.hpp>

#include "support/processes.hpp"

#include <boost/test/unit_test.hpp>

#include <exception>
#include <stdexcept>
#include <string>

namespace px = procx;
using namespace processes;

namespace station {

struct out_of_ink : std::range_error {
  using std::range_error::range_error;
};
struct no_exception {};

[[gnu::noinline]] void print_the_report(int pages) {
  if (pages > 1) print_the_report(pages - 1);
  throw out_of_ink("out of ink");
}

}  // namespace station

namespace {

template <class Body>
px::remote_exception thrown_by(Body body) {
  px::channel ch = px::start([body](px::channel&) { body(); });
  try {
    ch.receive<int>();
  } catch (px::remote_exception const& e) {
    BOOST_TEST(ch.wait() == px::exit_status::of_code(1));
    return e;
  }
  BOOST_FAIL("nothing was thrown");
  throw 0;
}

bool contains(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(remote_exceptions)

BOOST_AUTO_TEST_CASE(type_and_message_arrive) {
  auto const e = thrown_by([] { throw std::range_error("out of paper"); });
  BOOST_TEST(e.type_name() == "std::range_error");
  BOOST_TEST(e.message() == "out of paper");
  BOOST_TEST(contains(e.what(), "std::range_error: out of paper"));
  BOOST_TEST((e.code() == px::errc::remote_exception));
  BOOST_TEST(e.record().nested.empty());
}

BOOST_AUTO_TEST_CASE(a_type_of_the_users_own_keeps_its_name) {
  BOOST_TEST(thrown_by([] { station::print_the_report(1); }).type_name() == "station::out_of_ink");
}

BOOST_AUTO_TEST_CASE(what_is_no_std_exception_arrives_too) {
  BOOST_TEST(thrown_by([] { throw 42; }).type_name() == "int");
  BOOST_TEST(thrown_by([] { throw station::no_exception(); }).type_name() == "station::no_exception");
  auto const text = thrown_by([] { throw std::string("some text"); });
  BOOST_TEST(text.type_name() == "std::string");
  BOOST_TEST(text.message() == "some text");
  auto const literal = thrown_by([] { throw "a literal"; });
  BOOST_TEST(literal.type_name() == "char const*");
  BOOST_TEST(literal.message() == "a literal");
}

BOOST_AUTO_TEST_CASE(nested_exceptions_arrive_with_it) {
  auto const e = thrown_by([] {
    try {
      try {
        throw std::out_of_range("innermost");
      } catch (...) {
        std::throw_with_nested(std::runtime_error("middle"));
      }
    } catch (...) {
      std::throw_with_nested(std::logic_error("outermost"));
    }
  });
  BOOST_TEST(e.message() == "outermost");
  BOOST_REQUIRE(e.record().nested.size() == 1u);
  auto const& middle = e.record().nested[0];
  BOOST_TEST(middle.message == "middle");
  BOOST_REQUIRE(middle.nested.size() == 1u);
  BOOST_TEST(middle.nested[0].message == "innermost");
  BOOST_TEST(middle.nested[0].type_name == "std::out_of_range");
  BOOST_TEST(contains(e.what(), "innermost"));
}

BOOST_AUTO_TEST_CASE(the_stack_trace_names_the_function_or_says_why_there_is_none) {
  auto const e = thrown_by([] { station::print_the_report(3); });
  std::string const trace = e.stack_trace();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  BOOST_TEST(contains(trace, "(no stack trace: "));
#else
  if (e.record().frames.empty())
    BOOST_TEST(contains(trace, "(no stack trace: "));
  else
    BOOST_TEST(contains(trace, "station::print_the_report"));
#endif
}

BOOST_AUTO_TEST_CASE(a_long_message_arrives_whole) {
  std::string const text(1 << 20, 'm');
  BOOST_TEST((thrown_by([&] { throw std::runtime_error(text); }).message() == text));
}

BOOST_AUTO_TEST_CASE(of_one_that_does_not_fit_into_a_frame_its_type_and_the_beginning_of_its_message_arrive) {
  constexpr std::size_t limit = 300;
  px::channel ch = px::start(px::start_options{.frame_limit = limit}, [](px::channel&) {
    std::string message;
    for (int i = 0; i < 1000; ++i) message += "ä";
    throw station::out_of_ink(message);
  });
  try {
    ch.receive<int>();
    BOOST_ERROR("nothing was thrown");
  } catch (px::remote_exception const& e) {
    BOOST_TEST(e.type_name() == "station::out_of_ink");
    BOOST_TEST(e.message().size() > limit / 2);
    BOOST_TEST(e.message().ends_with("ä"));
  }
}

BOOST_AUTO_TEST_CASE(values_sent_before_arrive_before) {
  px::channel ch = px::start([](px::channel& up) {
    up.send(1);
    up.send(2);
    throw std::runtime_error("after two");
  });
  BOOST_TEST(ch.receive<int>() == 1);
  BOOST_TEST(ch.try_receive_for<int>(std::chrono::seconds(10)).value() == 2);
  BOOST_CHECK_THROW(ch.receive<int>(), px::remote_exception);
  BOOST_CHECK_THROW(ch.receive<int>(), px::end_of_channel);  // it is told once
}

BOOST_AUTO_TEST_CASE(trying_to_receive_throws_it_as_well) {
  px::channel ch = px::start([](px::channel&) { throw std::runtime_error("no"); });
  BOOST_TEST(ch.wait().code() == 1);
  BOOST_CHECK_THROW(ch.try_receive<int>(), px::remote_exception);
  BOOST_TEST(!ch.try_receive<int>());
}

BOOST_AUTO_TEST_CASE(one_that_was_caught_over_there_is_nobodys_business) {
  px::channel ch = px::start([](px::channel& up) {
    try {
      station::print_the_report(1);
    } catch (std::exception const& e) {
      up.send(e.what());
    }
  });
  BOOST_TEST(ch.receive<std::string>() == "out of ink");
  BOOST_TEST(ch.wait().success());
}

BOOST_AUTO_TEST_CASE(an_exception_whose_what_throws_nothing_useful_still_arrives) {
  struct silent : std::exception {
    char const* what() const noexcept override { return ""; }
  };
  auto const e = thrown_by([] { throw silent(); });
  BOOST_TEST(e.message().empty());
  BOOST_TEST(contains(e.type_name(), "silent"));
}

BOOST_AUTO_TEST_SUITE_END()
