// One int to another process and back: what a message costs when nothing else is under way. The other side is a
// blocking loop in all of them.

#include "cases.hpp"
#include "python.hpp"
#include "raw.hpp"
#include "trips.hpp"

#include <procx/procx.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>

#include <fcntl.h>
#include <sys/epoll.h>

namespace bench {
namespace {

namespace asio = boost::asio;
namespace px = procx;

void answer_all(px::channel& up) {
  for (;;) up.send(up.receive<int>() + 1);
}

measured px_blocking(std::size_t count) {
  px::channel ch = px::start(answer_all);
  trips t(count);
  while (!t.over()) {
    t.leave();
    ch.send(t.number());
    t.arrive(ch.receive<int>());
  }
  return t.result();
}

/// A chain of completion handlers.
class callback_trips {
 public:
  explicit callback_trips(std::size_t count) : channel_(px::start(io_.get_executor(), answer_all)), trips_(count) {}

  measured run() {
    send();
    io_.run();
    return trips_.result();
  }

 private:
  void send() {
    trips_.leave();
    channel_.async_send(trips_.number(), [](boost::system::error_code error) { check(!error, "cannot send"); });
    channel_.async_receive<int>([this](std::exception_ptr error, int answer) {
      if (error) std::rethrow_exception(error);
      trips_.arrive(answer);
      if (!trips_.over()) send();
    });
  }

  asio::io_context io_{1};
  px::channel channel_;
  trips trips_;
};

asio::awaitable<void> take_trips(px::channel& ch, trips& t) {
  while (!t.over()) {
    t.leave();
    co_await ch.async_send(t.number(), asio::use_awaitable);
    t.arrive(co_await ch.async_receive<int>(asio::use_awaitable));
  }
}

measured px_coroutine(std::size_t count) {
  asio::io_context io(1);
  px::channel ch = px::start(io.get_executor(), answer_all);
  trips t(count);
  asio::co_spawn(io, take_trips(ch, t), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  io.run();
  return t.result();
}

void raw_answer_all(int in, int out) {
  for (int n = 0; read_all(in, &n, sizeof n);) {
    ++n;
    write_all(out, &n, sizeof n);
  }
}

measured raw_blocking(std::size_t count) {
  raw_worker const other(raw_answer_all);
  trips t(count);
  while (!t.over()) {
    int n = t.number();
    t.leave();
    write_all(other.to(), &n, sizeof n);
    check(read_all(other.from(), &n, sizeof n));
    t.arrive(n);
  }
  return t.result();
}

measured raw_epoll(std::size_t count) {
  raw_worker const other(raw_answer_all);
  int const set = static_cast<int>(check_call(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
  epoll_event event{EPOLLIN, {}};
  check_call(::epoll_ctl(set, EPOLL_CTL_ADD, other.from(), &event), "epoll_ctl");
  check_call(::fcntl(other.from(), F_SETFL, O_NONBLOCK), "O_NONBLOCK");
  trips t(count);
  while (!t.over()) {
    int n = t.number();
    t.leave();
    write_all(other.to(), &n, sizeof n);
    check_call(::epoll_wait(set, &event, 1, -1), "epoll_wait");
    check(read_all(other.from(), &n, sizeof n));
    t.arrive(n);
  }
  return t.result();
}

}  // namespace

std::vector<race> round_trip(effort e) {
  std::size_t const count = e.of(30'000, 200);
  char const* const epoll = "raw pipe and epoll";
  return {{
      .title = "round trip of an int",
      .unit = "µs",
      .reference = "raw pipe",
      .contenders = {{"px::channel, blocking", [=] { return px_blocking(count); }},
                     {"raw pipe", [=] { return raw_blocking(count); }},
                     {"px::channel, callbacks", [=] { return callback_trips(count).run(); }, epoll},
                     {"px::channel, coroutine", [=] { return px_coroutine(count); }, epoll},
                     {"raw pipe and epoll", [=] { return raw_epoll(count); }},
                     in_python("Python Pipe", "round_trip.py", {std::to_string(count)})},
  }};
}

}  // namespace bench
