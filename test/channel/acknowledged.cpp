#define BOOST_TEST_MODULE acknowledged
#include <procx/channel/start.hpp>

#include "support/processes.hpp"
#include "support/transports.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace px = procx;
using namespace processes;
using namespace std::chrono_literals;

namespace {

px::start_options acknowledged(px::transport via = px::transport::pipe) { return {.via = via, .acknowledged = true}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(acknowledged_channels)

BOOST_DATA_TEST_CASE(sending_completes_only_when_the_other_side_has_received, transports, via) {
  own_pipe go;
  px::channel ch = px::start(acknowledged(via), [&](px::channel& up) {
    up.receive<int>();
    read_exactly(go.read.get(), 1);
    up.receive<int>();
    up.send(1);
  });
  ch.send(1);
  char const asked = [&] {
    // A thread would make forks unsafe to look at: another process opens the gate, when this one waits in poll.
    if (::fork() == 0) {
      pid_t const waits = ::getppid();
      for (char state = 0; state != 'S';) {
        state = state_of(waits);
        ::usleep(1000);
      }
      ::_exit(::write(go.write.get(), "x", 1) == 1 ? 0 : 1);
    }
    return 'x';
  }();
  BOOST_TEST(asked == 'x');
  ch.send(2);
  pollfd unread{go.read.get(), POLLIN, 0};
  BOOST_TEST(::poll(&unread, 1, 0) == 0);  // the gate has been passed by the time it returns
  BOOST_TEST(ch.receive<int>() == 1);
  int status = 0;
  ::waitpid(-1, &status, 0);
}

BOOST_DATA_TEST_CASE(both_sides_may_send_much_at_the_same_time, transports, via) {
  constexpr std::size_t size = std::size_t{sanitized ? 1 : 8} << 20;
  px::channel ch = px::start(acknowledged(via), [](px::channel& up) {
    for (int i = 0; i < 3; ++i) up.send(std::vector<char>(size, 'u'));
    std::size_t total = 0;
    for (int i = 0; i < 3; ++i) total += up.receive<std::vector<char>>().size();
    up.send(total);
  });
  for (int i = 0; i < 3; ++i) ch.send(std::vector<char>(size, 'd'));
  for (int i = 0; i < 3; ++i) BOOST_TEST(ch.receive<std::vector<char>>().size() == size);
  BOOST_TEST(ch.receive<std::size_t>() == 3 * size);
  BOOST_TEST(ch.wait().success());
}

BOOST_AUTO_TEST_CASE(values_keep_their_order_when_both_send_by_turns) {
  px::channel ch = px::start(acknowledged(), [](px::channel& up) {
    for (int i = 0; i < 100; ++i) {
      up.send(i);
      up.send(up.receive<int>());
    }
  });
  for (int i = 0; i < 100; ++i) {
    ch.send(1000 + i);
    BOOST_TEST(ch.receive<int>() == i);
    BOOST_TEST(ch.receive<int>() == 1000 + i);
  }
}

BOOST_DATA_TEST_CASE(an_asynchronous_send_completes_though_much_arrives_before_its_acknowledgement, transports, via) {
  boost::asio::io_context io;
  px::channel ch = px::start(io, acknowledged(via), [](px::channel& up) {
    for (int i = 0; i < 5; ++i) up.send(i);
    up.send(up.receive<int>());
  });
  bool sent = false;
  ch.async_send(7, [&](boost::system::error_code error) { sent = !error; });
  io.run();
  BOOST_TEST(sent);
  for (int wanted : {0, 1, 2, 3, 4, 7}) BOOST_TEST(ch.receive<int>() == wanted);
}

BOOST_AUTO_TEST_CASE(a_value_that_nobody_received_is_told) {
  px::channel ch = px::start(acknowledged(), [](px::channel& up) {
    up.receive<int>();
    ::_exit(3);
  });
  ch.send(1);
  BOOST_CHECK_THROW(ch.send(2), px::process_died);
}

BOOST_AUTO_TEST_CASE(a_value_that_nobody_received_because_the_other_side_had_enough_is_told) {
  px::channel ch = px::start(acknowledged(), [](px::channel& up) { up.receive<int>(); });
  ch.send(1);
  BOOST_CHECK_THROW(ch.send(2), px::end_of_channel);
  BOOST_TEST(ch.wait().success());
}

BOOST_AUTO_TEST_CASE(who_waits_for_the_end_receives_what_is_sent_meanwhile) {
  px::channel ch = px::start(acknowledged(), [](px::channel& up) {
    for (int i = 0; i < 3; ++i) up.send(i);
  });
  BOOST_TEST(ch.wait().success());
  for (int i = 0; i < 3; ++i) BOOST_TEST(ch.receive<int>() == i);
  BOOST_CHECK_THROW(ch.receive<int>(), px::end_of_channel);
}

BOOST_AUTO_TEST_SUITE_END()
