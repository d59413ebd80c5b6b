#define BOOST_TEST_MODULE start
#include <procx/channel/start.hpp>

#include "support/processes.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace px = procx;
using namespace processes;
using namespace std::chrono_literals;

namespace {

px::channel waiting() {
  return px::start([](px::channel& up) { up.receive<int>(); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(starting_and_ending)

BOOST_AUTO_TEST_CASE(the_creating_side_knows_the_process_and_the_created_side_is_0) {
  px::channel ch = px::start([](px::channel& up) {
    up.send(up.pid());
    up.send(::getpid());
    up.send(::getppid());
  });
  BOOST_TEST(ch.pid() > 0);
  BOOST_TEST(ch.receive<pid_t>() == 0);
  BOOST_TEST(ch.receive<pid_t>() == ch.pid());
  BOOST_TEST(ch.receive<pid_t>() == ::getpid());
}

BOOST_AUTO_TEST_CASE(when_the_callable_returns_the_channel_ends) {
  px::channel ch = px::start([](px::channel& up) {
    up.send(1);
    return 5;  // ignored
  });
  BOOST_TEST(ch.receive<int>() == 1);
  BOOST_CHECK_THROW(ch.receive<int>(), px::end_of_channel);
  BOOST_CHECK_THROW(ch.receive<int>(), px::end_of_channel);
  BOOST_TEST(ch.wait().success());
}

BOOST_AUTO_TEST_CASE(an_end_of_channel_that_leaves_the_callable_is_an_orderly_end) {
  px::channel ch = px::start([](px::channel& up) {
    for (;;) up.receive<int>();
  });
  BOOST_TEST(ch.wait().success());
  BOOST_CHECK_THROW(ch.receive<int>(), px::end_of_channel);
}

BOOST_AUTO_TEST_CASE(a_copy_of_this_process_may_be_given_a_pointer_to_text) {
  px::channel ch = px::start([](px::channel& up, char const* text) { up.send(std::string(text) + '!'); }, "text");
  BOOST_TEST(ch.receive<std::string>() == "text!");
}

BOOST_AUTO_TEST_CASE(waiting_keeps_what_is_more_than_a_pipe_holds) {
  constexpr std::size_t size = std::size_t{sanitized ? 1 : 4} << 20;
  for (auto via : {px::transport::pipe, px::transport::socket}) {
    px::channel ch = px::start({.via = via}, [](px::channel& up) {
      up.send(std::string(size, 'x'));
      up.send(std::string("the last"));
    });
    BOOST_TEST(ch.wait().success());
    BOOST_TEST(ch.receive<std::string>().size() == size);
    BOOST_TEST(ch.receive<std::string>() == "the last");
    BOOST_CHECK_THROW(ch.receive<std::string>(), px::end_of_channel);
  }
}

BOOST_AUTO_TEST_CASE(waiting_drains_a_standard_error_that_is_more_than_a_pipe_holds) {
  stderr_capture capture;
  px::channel ch = px::start([](px::channel&) {
    for (int i = 0; i < 3000; ++i) std::fprintf(stderr, "%099d\n", i);
  });
  BOOST_TEST(ch.wait().success());
  BOOST_TEST(ch.stderr_tail().size() == 4096u);
  BOOST_TEST(capture.text().size() == 300'000u);
}

BOOST_AUTO_TEST_CASE(waiting_has_an_end_if_one_is_given) {
  own_pipe gate;
  px::channel ch = px::start([&](px::channel&) {
    gate.write.close();
    read_all(gate.read.get());
  });
  BOOST_TEST(!ch.try_wait());
  BOOST_TEST(!ch.wait_for(0s));
  auto const start = std::chrono::steady_clock::now();
  BOOST_TEST(!ch.wait_for(20ms));
  BOOST_TEST((std::chrono::steady_clock::now() - start >= 20ms));
  gate.write.close();
  BOOST_TEST(ch.wait_for(10s).value().success());
  BOOST_TEST(ch.wait().success());
  BOOST_TEST(ch.try_wait().value().success());
  BOOST_TEST(!ch.kill(SIGTERM));
}

BOOST_AUTO_TEST_CASE(after_waiting_nothing_more_can_be_sent) {
  px::channel ch = waiting();
  BOOST_TEST(ch.wait().success());
  BOOST_CHECK_THROW(ch.send(1), px::end_of_channel);
}

BOOST_AUTO_TEST_CASE(killing_ends_it) {
  px::channel ch = waiting();
  BOOST_TEST(ch.kill(SIGTERM));
  BOOST_TEST(ch.wait() == px::exit_status::of_signal(SIGTERM));
}

BOOST_AUTO_TEST_CASE(destroying_the_channel_ends_the_process_in_good_order) {
  own_fd end;
  {
    px::channel ch = waiting();
    end = pidfd_of(ch.pid());
    BOOST_TEST(!readable(end.get(), 0ms));
  }
  BOOST_TEST(readable(end.get()));
}

BOOST_AUTO_TEST_CASE(closing_one_ends_only_that_one) {
  std::vector<px::channel> all;
  for (int i = 0; i < 11; ++i) all.push_back(waiting());
  for (std::size_t i = 0; i < all.size(); i += 2) {
    own_fd const end = pidfd_of(all[i].pid());
    all[i].close();
    BOOST_TEST(readable(end.get()));
  }
  for (std::size_t i = 1; i < all.size(); i += 2) BOOST_TEST(!all[i].try_wait());
}

BOOST_AUTO_TEST_CASE(a_channel_moves) {
  px::channel none;
  BOOST_TEST(!none);
  BOOST_TEST(none.pid() == 0);
  none.close();
  px::channel ch = px::start([](px::channel& up) { up.send(up.receive<int>() + 1); });
  none = std::move(ch);
  BOOST_TEST(!ch);
  none.send(1);
  BOOST_TEST(none.receive<int>() == 2);
}

BOOST_AUTO_TEST_CASE(one_without_an_executor_has_none) { BOOST_TEST(!waiting().get_executor().has_value()); }

BOOST_AUTO_TEST_CASE(a_standard_error_that_is_not_captured_is_this_processs_own) {
  stderr_capture capture;
  px::channel ch = px::start({.capture_stderr = false}, [](px::channel&) { std::fputs("direct\n", stderr); });
  BOOST_TEST(ch.wait().success());
  BOOST_TEST(ch.stderr_tail().empty());
  BOOST_TEST(capture.text() == "direct\n");
}

BOOST_AUTO_TEST_CASE(fork_style_both_sides_come_back) {
  int const before = 3;
  px::channel ch = px::create();
  if (ch.pid() == 0) {
    ch.send(before + ch.receive<int>());
    px::exit(ch);
  }
  ch.send(4);
  BOOST_TEST(ch.receive<int>() == 7);
  BOOST_CHECK_THROW(ch.receive<int>(), px::end_of_channel);
  BOOST_TEST(ch.wait().success());
}

BOOST_AUTO_TEST_CASE(fork_style_the_exit_code_is_what_exit_was_given) {
  for (int code : {0, 1, 42}) {
    px::channel ch = px::create({.via = px::transport::socket});
    if (ch.pid() == 0) {
      ch.send(std::string(1 << 20, 'x'));
      px::exit(ch, code);
    }
    BOOST_TEST(ch.wait() == px::exit_status::of_code(code));
    BOOST_TEST(ch.receive<std::string>().size() == std::size_t{1} << 20);
  }
}

BOOST_AUTO_TEST_CASE(fork_style_inside_fork_style) {
  px::channel ch = px::create();
  if (ch.pid() == 0) {
    px::channel inner = px::create();
    if (inner.pid() == 0) {
      inner.send(5);
      px::exit(inner, 6);
    }
    ch.send(inner.receive<int>());
    ch.send(inner.wait().code());
    px::exit(ch);
  }
  BOOST_TEST(ch.receive<int>() == 5);
  BOOST_TEST(ch.receive<int>() == 6);
  BOOST_TEST(ch.wait().success());
}

BOOST_AUTO_TEST_CASE(a_created_process_cannot_wait_for_itself) {
  px::channel ch = px::start([](px::channel& up) {
    try {
      up.wait();
    } catch (px::sequence_error const&) {
      up.send(true);
    }
  });
  BOOST_TEST(ch.receive<bool>());
}

BOOST_AUTO_TEST_CASE(in_a_users_own_fork_every_operation_says_whose_the_channel_is) {
  px::channel ch = waiting();
  BOOST_TEST(code_of_fork([&] {
    int refused = 0;
    auto const refuse = [&](auto operation) {
      try {
        operation();
      } catch (px::error const& e) {
        refused += e.code() == px::errc::foreign_process;
      }
    };
    refuse([&] { ch.send(1); });
    refuse([&] { ch.receive<int>(); });
    refuse([&] { ch.try_receive<int>(); });
    refuse([&] { ch.try_receive_for<int>(1s); });
    refuse([&] { ch.wait(); });
    refuse([&] { ch.wait_for(1s); });
    refuse([&] { ch.try_wait(); });
    CHILD_CHECK(refused == 7);
    CHILD_CHECK(!ch.kill(SIGKILL));
    ch.close();
    { px::channel const gone = std::move(ch); }
    return 0;
  }) == 0);
  BOOST_TEST(!ch.try_wait());
  ch.send(1);
  BOOST_TEST(ch.wait().success());
}

BOOST_AUTO_TEST_CASE(arguments_that_cannot_be_serialized_are_inherited) {
  struct config {
    std::string name;
    std::function<int()> number;
  };
  px::channel ch = px::start([](px::channel& up, config const& c) { up.send(c.name + std::to_string(c.number())); },
                             config{"seven: ", [n = 7] { return n; }});
  BOOST_TEST(ch.receive<std::string>() == "seven: 7");
  BOOST_CHECK_THROW(px::start({.method = px::start_method::nursery}, [](px::channel&, config const&) {}, config()),
                    std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
