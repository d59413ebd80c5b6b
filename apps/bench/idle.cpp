// Ten channels on which a message is always under way, alone and beside many that only wait: what a channel costs that
// says nothing. The other side of each is a process. The idle ones of the peers by hand are pipes without a process.

#include "cases.hpp"
#include "memory.hpp"
#include "raw.hpp"

#include <procx/procx.hpp>

#include <boost/asio/io_context.hpp>

#include <array>
#include <cerrno>
#include <deque>
#include <exception>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

namespace bench {
namespace {

namespace asio = boost::asio;
namespace px = procx;

constexpr std::uint32_t busy = 10;

struct message {
  std::uint32_t channel;
  std::uint32_t number;
};

message answer_to(message m) { return {m.channel, m.number + 1}; }

/// So many messages to busy channels and back, and the time they take after some that do not count.
class traffic {
 public:
  explicit traffic(std::size_t count) : left_(count + warm_up), count_(count) {}

  message first(std::uint32_t channel) const { return {channel, expected_[channel] - 1}; }
  /// What goes out next on the channel on which this came.
  message next(message const& m) {
    check(m.channel < busy && m.number == expected_[m.channel]);
    expected_[m.channel] += 2;
    if (--left_ == count_) time_ = stopwatch();
    return answer_to(m);
  }
  bool over() const noexcept { return left_ == 0; }
  measured result() const { return {time_.microseconds() / static_cast<double>(count_)}; }

 private:
  static constexpr std::size_t warm_up = 1000;

  std::size_t left_;
  std::size_t count_;
  std::array<std::uint32_t, busy> expected_{1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  stopwatch time_;
};

struct plan {
  std::size_t idle;
  std::size_t messages;
};

/// Refuses where there is no room for so many descriptors or processes; lets this process have all it may.
void make_room(plan const& p, std::size_t descriptors_each, double mib_each) {
  rlimit limit{};
  check_call(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  if (limit.rlim_max < descriptors_each * p.idle + 200) throw unavailable("not enough descriptors");
  limit.rlim_cur = limit.rlim_max;
  check_call(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  if (available_mib() < 500 + mib_each * static_cast<double>(p.idle)) throw unavailable("not enough memory");
}
void make_room_for_channels(plan const& p) { make_room(p, 3, 0.25); }

void answer_all(px::channel& up) {
  for (;;) up.send(answer_to(up.receive<message>()));
}
void only_wait(px::channel& up) { up.receive<int>(); }

// A descriptor less for each.
px::start_options const lean{.method = px::start_method::nursery, .capture_stderr = false};

measured px_exchange(plan const& p) {
  make_room_for_channels(p);
  px::start_nursery();
  px::exchange all({.continuous = true});
  for (std::size_t i = 0; i < p.idle; ++i) all.add(px::start(lean, only_wait));
  traffic t(p.messages);
  for (std::uint32_t i = 0; i < busy; ++i) all.add(px::start(lean, answer_all)).send(t.first(i));
  while (!t.over())
    for (px::channel& ch : all.ready()) {
      message const m = t.next(ch.receive<message>());
      if (t.over()) break;
      ch.send(m);
    }
  return t.result();
}

/// Each channel an operation that waits, on one event loop.
class callbacks {
 public:
  explicit callbacks(plan const& p) : traffic_(p.messages) {
    make_room_for_channels(p);
    px::start_nursery();
    for (std::size_t i = 0; i < p.idle; ++i) {
      channels_.push_back(px::start(io_.get_executor(), lean, only_wait));
      channels_.back().async_receive<int>([](std::exception_ptr, int) { check(false, "an idle channel has ended"); });
    }
  }

  measured run() {
    for (std::uint32_t i = 0; i < busy; ++i) {
      channels_.push_back(px::start(io_.get_executor(), lean, answer_all));
      send(channels_.back(), traffic_.first(i));
    }
    io_.run();
    return traffic_.result();
  }

 private:
  void send(px::channel& ch, message const& m) {
    ch.async_send(m, [](boost::system::error_code error) { check(!error, "cannot send"); });
    ch.async_receive<message>([this, &ch](std::exception_ptr error, message const& answer) {
      if (error) std::rethrow_exception(error);
      message const next = traffic_.next(answer);
      if (traffic_.over()) return io_.stop();
      send(ch, next);
    });
  }

  asio::io_context io_{1};
  std::deque<px::channel> channels_;
  traffic traffic_;
};

/// Busy workers, and pipes on which nothing ever comes.
class by_hand {
 public:
  explicit by_hand(plan const& p) : traffic_(p.messages) {
    make_room(p, 2, 0.02);
    for (std::uint32_t i = 0; i < busy; ++i) workers_.push_back(raw_worker(answer));
    for (std::size_t i = 0; i < p.idle; ++i) {
      std::array<int, 2> ends;  // open until the process ends
      check_call(::pipe(ends.data()), "pipe");
      idle_.push_back(ends[0]);
    }
  }

  measured with_epoll() {
    int const set = static_cast<int>(check_call(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
    each_descriptor([&](int fd, std::uint32_t number) {
      epoll_event event{EPOLLIN, {.u32 = number}};
      check_call(::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    });
    send_first();
    while (!traffic_.over()) {
      std::array<epoll_event, 64> events;
      auto const n = check_call(::epoll_wait(set, events.data(), events.size(), -1), "epoll_wait");
      for (long i = 0; i < n; ++i) serve(events[static_cast<std::size_t>(i)].data.u32);
    }
    return traffic_.result();
  }

  measured with_poll() {
    std::vector<pollfd> set;
    each_descriptor([&](int fd, std::uint32_t) { set.push_back({fd, POLLIN, 0}); });
    send_first();
    while (!traffic_.over()) {
      check_call(::poll(set.data(), set.size(), -1), "poll");
      for (std::uint32_t i = 0; i < busy; ++i)
        if (set[i].revents) serve(i);
    }
    return traffic_.result();
  }

 private:
  static void answer(int in, int out) {
    for (message m; read_all(in, &m, sizeof m);) write_all(out, &(m = answer_to(m)), sizeof m);
  }
  template <class Visit>
  void each_descriptor(Visit visit) const {
    std::uint32_t number = 0;
    for (raw_worker const& w : workers_) visit(w.from(), number++);
    for (int const fd : idle_) visit(fd, number++);
  }
  void send_first() {
    for (std::uint32_t i = 0; i < busy; ++i) send(traffic_.first(i));
  }
  void send(message const& m) { write_all(workers_[m.channel].to(), &m, sizeof m); }
  void serve(std::uint32_t number) {
    check(number < busy, "an idle pipe has said something");
    message m;
    check(read_all(workers_[number].from(), &m, sizeof m));
    if (traffic_.over()) return;
    m = traffic_.next(m);
    if (!traffic_.over()) send(m);
  }

  traffic traffic_;
  std::vector<raw_worker> workers_;
  std::vector<int> idle_;
};

}  // namespace

std::vector<race> idle(effort e) {
  plan const alone{0, e.of(100'000, 200)}, beside{e.of(5000, 50), e.of(100'000, 200)};
  std::string const with = " beside " + std::to_string(beside.idle) + " idle";
  race r{.title = "messages on 10 busy channels, there and back",
         .unit = "µs a message",
         .reference = "raw pipes and epoll, 10 alone",
         .most_rounds = 5};
  auto const pair = [&](std::string const& name, measured (*run)(plan const&)) {
    r.contenders.push_back({name + ", 10 alone", [=] { return run(alone); }});
    r.contenders.push_back({name + ", 10" + with, [=] { return run(beside); }, name + ", 10 alone"});
  };
  pair("px::exchange", px_exchange);
  pair("px::channel, callbacks", [](plan const& p) { return callbacks(p).run(); });
  pair("raw pipes and epoll", [](plan const& p) { return by_hand(p).with_epoll(); });
  pair("raw pipes and poll", [](plan const& p) { return by_hand(p).with_poll(); });
  return {r};
}

}  // namespace bench
