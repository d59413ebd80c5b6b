#define BOOST_TEST_MODULE exceptions
#include <boost/test/unit_test.hpp>

#include <procx/error/exceptions.hpp>

#include "error/throw_trace.hpp"
#include "support/bytes.hpp"
#include "support/operator_new.hpp"

#include <boost/asio/error.hpp>

#include <procx/error/describe.hpp>

#include <atomic>
#include <csignal>
#include <set>
#include <string_view>
#include <thread>

#include <unistd.h>

namespace {

std::atomic<std::size_t> allocated = 0;  // bytes, in all

}  // namespace

void test_allocation(std::size_t size) { allocated += size; }

using procx::errc;
using procx::exception_record;

namespace {

template <class E>
std::exception_ptr thrown(E e) {
  return std::make_exception_ptr(std::move(e));
}

/// Throws exceptions nested in each other, "0" outermost.
void throw_nested(int depth, int at = 0) {
  try {
    if (at + 1 == depth) throw std::range_error(std::to_string(at));
    throw_nested(depth, at + 1);
  } catch (...) {
    if (at + 1 == depth) throw;
    std::throw_with_nested(std::runtime_error(std::to_string(at)));
  }
}

exception_record describe_nested(int depth) {
  try {
    throw_nested(depth);
  } catch (...) {
    return procx::describe_exception(std::current_exception());
  }
  return {};
}

std::size_t chain_length(exception_record const& r) {
  return 1 + (r.nested.empty() ? 0 : chain_length(r.nested.front()));
}

}  // namespace

namespace here {

struct own {
  int n;
};

[[gnu::noinline]] void throw_from_here() { throw std::out_of_range("there"); }

}  // namespace here

BOOST_AUTO_TEST_SUITE(exceptions)

BOOST_AUTO_TEST_CASE(every_code_has_a_message_of_its_own) {
  std::set<std::string> messages;
  for (int e = 1; e <= static_cast<int>(errc::start_failed); ++e) {
    auto const code = make_error_code(static_cast<errc>(e));
    BOOST_TEST(code.message().find("unknown") == std::string::npos);
    messages.insert(code.message());
  }
  BOOST_TEST(messages.size() == static_cast<std::size_t>(errc::start_failed));
  BOOST_TEST(make_error_code(errc::busy).category().name() == "procx");
  BOOST_TEST(make_error_code(static_cast<errc>(99)).message() == "unknown procx error 99");
  boost::system::error_code const converts = errc::busy;
  BOOST_TEST(bool(converts == errc::busy));
}

BOOST_AUTO_TEST_CASE(each_failure_is_a_type_a_code_and_a_sentence) {
  auto const check = [](procx::error const& e, boost::system::error_code code, std::string const& what) {
    BOOST_TEST(e.code() == code);
    BOOST_TEST(e.what() == what);
  };
  check(procx::end_of_channel(), errc::end_of_channel, "the channel is closed at the other end");
  check(procx::connection_error("nobody"), errc::connection_error, "nobody");
  check(procx::protocol_error("x"), errc::protocol_error, "x");
  check(procx::protocol_error("x", errc::value_too_large), errc::value_too_large, "x");
  check(procx::task_timeout(), errc::task_timeout, "the task took too long");
  check(procx::task_cancelled(), boost::asio::error::operation_aborted, "the task was cancelled");
}

BOOST_AUTO_TEST_CASE(what_asio_catches_catches_ours) {
  BOOST_CHECK_THROW(throw procx::task_timeout(), boost::system::system_error);
  BOOST_CHECK_THROW(throw procx::task_timeout(), procx::task_error);
  BOOST_CHECK_THROW(throw procx::process_died(1, {}, ""), procx::task_error);
  BOOST_CHECK_THROW(throw procx::queue_stopped(), std::logic_error);
  BOOST_CHECK_THROW(throw procx::sequence_error("x"), std::logic_error);
}

BOOST_AUTO_TEST_CASE(copies_of_an_exception_throw_nothing) {
  static_assert(std::is_nothrow_copy_constructible_v<procx::task_timeout>);
  procx::remote_exception const one({.type_name = "t", .message = "m", .frames = {}, .no_frames_because = "", .nested = {}});
  auto const two = one;
  BOOST_TEST(two.what() == one.what());
  BOOST_TEST(&two.record() == &one.record());
}

BOOST_AUTO_TEST_CASE(a_death_is_told_with_its_status_and_last_words) {
  procx::process_died const killed(12, procx::exit_status::of_signal(SIGKILL), "");
  BOOST_TEST(killed.what() == "process 12 killed by SIGKILL");
  BOOST_TEST(killed.pid() == 12);
  BOOST_TEST(killed.status().signal() == SIGKILL);
  procx::process_died const failed(12, procx::exit_status::of_code(1), "assertion failed\n");
  BOOST_TEST(failed.what() == "process 12 exited with 1; its last words:\nassertion failed\n");
  BOOST_TEST(failed.stderr_tail() == "assertion failed\n");
  BOOST_TEST(procx::process_died(12, procx::exit_status::of_code(0), "").what() ==
             "process 12 exited with 0 before it had answered");
}

BOOST_AUTO_TEST_CASE(an_exception_is_described_by_its_dynamic_type_and_message) {
  std::exception_ptr const e = thrown(std::range_error("too far"));
  auto const r = procx::describe_exception(e);
  BOOST_TEST(r.type_name == "std::range_error");
  BOOST_TEST(r.message == "too far");
  BOOST_TEST(r.nested.empty());
}

BOOST_AUTO_TEST_CASE(what_is_no_exception_class_is_described_too) {
  BOOST_TEST(procx::describe_exception(thrown(std::string("text"))).message == "text");
  BOOST_TEST(procx::describe_exception(thrown(static_cast<char const*>("literal"))).message == "literal");
  BOOST_TEST(procx::describe_exception(thrown(static_cast<char const*>(nullptr))).message == "");
  BOOST_TEST(procx::describe_exception(thrown(5)).type_name == "int");
  BOOST_TEST(procx::describe_exception(thrown(here::own{1})).type_name == "here::own");
}

BOOST_AUTO_TEST_CASE(nested_exceptions_are_described_to_the_innermost) {
  auto const r = describe_nested(3);
  BOOST_TEST(r.message == "0");
  BOOST_TEST(r.nested.at(0).nested.at(0).type_name == "std::range_error");
  std::string const what = procx::remote_exception(r).what();
  BOOST_TEST(what.find("; nested: ") != std::string::npos);
  BOOST_TEST(what.ends_with("; nested: std::range_error: 2"));
}

BOOST_AUTO_TEST_CASE(a_chain_without_end_is_cut) { BOOST_TEST(chain_length(describe_nested(100)) == 17u); }

BOOST_AUTO_TEST_CASE(a_record_arrives_as_it_was) {
  exception_record r = describe_nested(2);
  r.frames.push_back({"/program", 0x1234});
  auto const back = round_trip(r);
  BOOST_TEST(back.type_name == r.type_name);
  BOOST_TEST(back.message == r.message);
  BOOST_TEST(back.frames.at(0).module == "/program");
  BOOST_TEST(back.frames.at(0).offset == 0x1234u);
  BOOST_TEST(back.no_frames_because == r.no_frames_because);
  BOOST_TEST(back.nested.at(0).message == "1");
}

/// The bytes of a record with so many others nested in it, one in another; `inner` nested in the last.
procx::detail::buffer bytes_of_chain(int levels, std::string const& message, std::uint64_t inner = 0) {
  procx::detail::buffer bytes;
  procx::output_archive out(bytes);
  for (int i = 0; i <= levels; ++i) {
    std::uint64_t const nested = i < levels ? 1 : inner;
    out << std::string("T") << (i < levels ? std::string("m") : message) << std::uint64_t{0} << std::string() << nested;
  }
  return bytes;
}

BOOST_AUTO_TEST_CASE(a_record_that_is_nested_as_none_is_ever_written_is_refused) {
  BOOST_TEST(chain_length(procx::decode<exception_record>(bytes_of_chain(16, "x"))) == 17u);
  BOOST_CHECK_THROW(procx::decode<exception_record>(bytes_of_chain(500, "x")), procx::protocol_error);
  BOOST_CHECK_THROW(procx::decode<exception_record>(bytes_of_chain(100'000, "x")), procx::protocol_error);
  BOOST_CHECK_THROW(procx::decode<exception_record>(bytes_of_chain(0, std::string(1000, 'x'), 2)), procx::protocol_error);
}

BOOST_AUTO_TEST_CASE(of_a_record_with_many_frames_the_innermost_are_kept) {
  exception_record r;
  for (std::uint64_t i = 0; i < 10'000; ++i) r.frames.push_back({"/program", i});
  auto const back = round_trip(r);
  BOOST_TEST(back.frames.size() == procx::detail::most_frames);
  BOOST_TEST(back.frames.at(1).offset == 1u);
}

BOOST_AUTO_TEST_CASE(the_text_of_nested_exceptions_is_as_long_as_their_texts) {
  exception_record chain{.type_name = "T", .message = std::string(1'000'000, 'x'), .frames = {}, .no_frames_because = "", .nested = {}};
  for (int i = 0; i < 500; ++i) {
    exception_record outer{.type_name = "T", .message = "m", .frames = {}, .no_frames_because = "", .nested = {}};
    outer.nested.push_back(std::move(chain));
    chain = std::move(outer);
  }
  std::size_t const before = allocated;
  procx::remote_exception const e(std::move(chain));
  BOOST_TEST(std::string_view(e.what()).size() < 1'100'000u);
  BOOST_TEST(procx::describe(e).size() < 1'100'000u);
  BOOST_TEST(allocated - before < 20'000'000u);  // not a copy for each level
}

BOOST_AUTO_TEST_CASE(a_remote_exception_says_what_it_was) {
  procx::remote_exception const e({.type_name = "std::range_error",
                                   .message = "too far",
                                   .frames = {},
                                   .no_frames_because = "nobody looked",
                                   .nested = {}});
  BOOST_TEST(e.what() == "std::range_error: too far");
  BOOST_TEST(e.type_name() == "std::range_error");
  BOOST_TEST(e.message() == "too far");
  BOOST_TEST(e.stack_trace() == "(no stack trace: nobody looked)\n");
  BOOST_TEST(procx::remote_exception(exception_record()).what() == "an exception of unknown type");
}

BOOST_AUTO_TEST_CASE(a_frame_of_a_module_that_is_not_here_is_printed_as_it_came) {
  BOOST_TEST(procx::to_string({{"/nowhere/lib.so", 0x1f}}) == "#0 /nowhere/lib.so+0x1f\n");
}

BOOST_AUTO_TEST_CASE(a_place_in_a_program_is_found_again) {
  auto const* const address = reinterpret_cast<void const*>(&here::throw_from_here);
  auto const place = procx::detail::locate(address);
  BOOST_TEST(!place.module.empty());
  BOOST_TEST(procx::detail::address_of(place) == address);
  auto const* const elsewhere = reinterpret_cast<void const*>(&::getpid);
  BOOST_TEST(procx::detail::locate(elsewhere).module != place.module);
  BOOST_TEST(procx::detail::address_of({"/nowhere", 1}) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_thread_that_does_not_remember_its_throws_says_so) {
  auto const r = procx::describe_exception(thrown(std::range_error("x")));
  BOOST_TEST(r.frames.empty());
  BOOST_TEST(!r.no_frames_because.empty());
}

BOOST_AUTO_TEST_CASE(a_thread_that_remembers_its_throws_knows_where_each_came_from) {
  std::thread([] {
    procx::detail::remember_throws();
    if (!procx::detail::no_trace_because().empty()) return;  // a sanitizer
    exception_record first;
    try {
      here::throw_from_here();
    } catch (...) {
      for (int i = 0; i < 3; ++i) {
        try {
          throw i;
        } catch (int) {
        }
      }
      first = procx::describe_exception(std::current_exception());
    }
    BOOST_TEST(!first.frames.empty());
    BOOST_TEST(procx::remote_exception(first).stack_trace().find("throw_from_here") != std::string::npos);
  }).join();
}

BOOST_AUTO_TEST_CASE(a_throw_is_not_taken_for_an_older_one_whose_memory_it_got) {
  std::thread([] {
    procx::detail::remember_throws();
    std::set<std::size_t> depths;
    for (int i = 0; i < 4; ++i) {
      try {
        here::throw_from_here();
      } catch (...) {
        depths.insert(procx::describe_exception(std::current_exception()).frames.size());
      }
    }
    BOOST_TEST(depths.size() == 1u);
  }).join();
}

BOOST_AUTO_TEST_SUITE_END()
