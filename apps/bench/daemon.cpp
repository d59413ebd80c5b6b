// Calls of a function in another process that is met at a UNIX socket. The daemon runs it in a worker; Redis only answers, or has
// a list in which a worker finds its work and another in which it puts what comes of it; ZeroMQ has no worker behind it either.

#include "cases.hpp"
#include "redis.hpp"
#include "thread_sanitizer.hpp"
#include "trips.hpp"
#include "zmq_socket.hpp"

#include <procx/procx.hpp>

#include <boost/asio/io_context.hpp>

#include <csignal>
#include <exception>
#include <filesystem>
#include <functional>
#include <ranges>
#include <string>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

namespace px = procx;

int next_of(int n) { return n + 1; }
PROCX_TASK_AS(next_of, "procx-bench/next");

/// A daemon at a path of its own.
class served {
 public:
  explicit served(px::worker_count workers) { px::start_daemon(address_, {.workers = workers}); }
  served(served const&) = delete;
  served& operator=(served const&) = delete;
  ~served() { px::stop_daemon(address_); }
  std::filesystem::path const& address() const noexcept { return address_; }

 private:
  std::filesystem::path const address_ =
      std::filesystem::temp_directory_path() / ("procx-bench." + std::to_string(::getpid()) + ".sock");
};

/// A process that does this until it is killed.
class helper {
 public:
  explicit helper(std::function<void()> const& body) : pid_(static_cast<pid_t>(check_call(::fork(), "fork"))) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      for (;;) body();
    } catch (std::exception const&) {
      ::_exit(1);
    }
  }
  helper(helper const&) = delete;
  helper& operator=(helper const&) = delete;
  ~helper() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

measured px_trips(std::size_t count, px::worker_count workers) {
  served const daemon(workers);
  px::connection c = px::connect(daemon.address());
  trips t(count);
  while (!t.over()) {
    t.leave();
    t.arrive(c.call(next_of, t.number()));
  }
  return t.result();
}

measured redis_trips(std::size_t count) {
  redis_server const server;
  redis_client c(server.socket());
  trips t(count);
  while (!t.over()) {
    t.leave();
    c.send("PING\r\n");
    check(c.line() == "+PONG");
    t.arrive(t.number() + 1);
  }
  return t.result();
}

std::string zmq_name() { return "ipc://@procx-bench." + std::to_string(::getpid()); }

void zmq_answer(std::string const& name) {
  zmq_context const context;
  zmq_socket s(context.get(), ZMQ_REP, zmq_socket::way::connect, name);
  for (;;) s.send(s.receive<int>() + 1);
}

measured zmq_trips(std::size_t count) {
  refuse_under_thread_sanitizer("ZeroMQ");
  std::string const name = zmq_name();
  helper const other([&] { zmq_answer(name); });
  zmq_context const context;
  zmq_socket s(context.get(), ZMQ_REQ, zmq_socket::way::bind, name);
  trips t(count);
  while (!t.over()) {
    t.leave();
    s.send(t.number());
    t.arrive(s.receive<int>());
  }
  return t.result();
}

/// Calls a second.
measured rate(stopwatch const& time, std::size_t count) { return {static_cast<double>(count) / time.seconds()}; }

constexpr int in_flight = 64;

/// A chain of completion handlers for each of those in flight.
measured px_async(std::size_t count) {
  served const daemon(2);
  boost::asio::io_context io(1);
  px::connection c = px::connect(io, daemon.address());
  int next = 0, right = 0;
  std::function<void()> const begin = [&] {
    if (static_cast<std::size_t>(next) == count) return;
    int const n = next++;
    c.async_call(px::call(next_of, n), [&, n](std::exception_ptr error, int answer) {
      right += !error && answer == n + 1;
      begin();
    });
  };
  stopwatch const time;
  for (int i = 0; i < in_flight; ++i) begin();
  io.run();
  check(static_cast<std::size_t>(right) == count);
  return rate(time, count);
}

measured px_map(std::size_t count) {
  served const daemon(2);
  px::connection c = px::connect(daemon.address());
  int expected = 1;
  stopwatch const time;
  for (int answer : c.pmap(next_of, std::views::iota(0, static_cast<int>(count)))) check(answer == expected++);
  return rate(time, count);
}

measured redis_pings(std::size_t count) {
  redis_server const server;
  redis_client c(server.socket());
  std::string pings;
  for (int i = 0; i < in_flight; ++i) pings += "PING\r\n";
  stopwatch const time;
  std::size_t done = 0;
  for (; done < count; done += in_flight) {
    c.send(pings);
    for (int i = 0; i < in_flight; ++i) check(c.line() == "+PONG");
  }
  return rate(time, done);
}

/// Two workers, each of which takes its work from one list and puts what comes of it into another.
measured redis_list(std::size_t count) {
  redis_server const server;
  auto const work = [&] {
    redis_client c(server.socket());
    for (;;) {
      c.send("BLPOP work 0\r\n");
      int const n = std::stoi(c.popped());
      c.send("RPUSH done " + std::to_string(next_of(n)) + "\r\n");
      c.line();
    }
  };
  helper const one(work), two(work);
  redis_client c(server.socket()), results(server.socket());
  std::size_t next = 0, done = 0;
  long long sum = 0;
  stopwatch const time;
  while (done < count) {
    std::string commands;
    std::size_t pushed = 0;
    for (; next < count && next < done + in_flight; ++next, ++pushed) commands += "RPUSH work " + std::to_string(next) + "\r\n";
    c.send(commands);
    for (std::size_t i = 0; i < pushed; ++i) c.line();
    results.send("BLPOP done 0\r\n");
    sum += std::stoi(results.popped());
    ++done;
  }
  measured const m = rate(time, count);
  auto const n = static_cast<long long>(count);
  check(sum == n * (n + 1) / 2);
  return m;
}

}  // namespace

std::vector<race> daemon(effort e) {
  std::size_t const count = e.of(30'000, 200), many = e.of(200'000, 640), few = e.of(20'000, 640);
  return {{
              .title = "round trip of a call to a daemon",
              .unit = "µs",
              .reference = "Redis PING",
              .contenders = {{"px::connection, a worker", [=] { return px_trips(count, 1); }},
                             {"px::connection, no worker", [=] { return px_trips(count, px::here); }},
                             {"Redis PING", [=] { return redis_trips(count); }},
                             {"ZeroMQ REQ/REP", [=] { return zmq_trips(count); }}},
          },
          {
              .title = "calls of a daemon, 64 in flight",
              .unit = "calls/s",
              .more_is_better = true,
              .reference = "Redis list, two workers",
              .contenders = {{"px::connection, async_call", [=] { return px_async(many); }},
                             {"px::connection, pmap, 1024 in flight", [=] { return px_map(many); }},
                             {"Redis list, two workers", [=] { return redis_list(few); }},
                             {"Redis PING, pipelined", [=] { return redis_pings(many); }}},
              .second = "",
          }};
}

}  // namespace bench
