#define BOOST_TEST_MODULE reuse
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <signal.h>
#include <unistd.h>

namespace px = procx;
using observe::gate;
using observe::shared;

namespace {

int own_pid(int) { return ::getpid(); }

/// Reusable code written by hand: takes parameters until there are no more.
void sum_by_hand(px::channel& up, int a, int b) {
  for (std::optional args{std::tuple(a, b)}; args; args = up.receive<std::optional<std::tuple<int, int>>>())
    up.send(std::get<0>(*args) + std::get<1>(*args));
}

void pid_by_hand(px::channel& up, int n) {
  for (std::optional args{std::tuple(n)}; args; args = up.receive<std::optional<std::tuple<int>>>())
    up.send(static_cast<int>(::getpid()));
}

void half_by_hand(px::channel& up, int n) {
  for (std::optional args{std::tuple(n)}; args; args = up.receive<std::optional<std::tuple<int>>>())
    up.send(std::get<0>(*args) / 2);
}

/// Throws when the second one is to be sent.
struct unsendable {
  int number = 0;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    if (Archive::is_saving::value && number == 2) throw std::runtime_error("it does not want to travel");
    archive & number;
  }
};

/// Waits until as many run at the same time as are expected to.
struct rendezvous {
  std::atomic<unsigned> arrived{0};
  int meet(unsigned expected) {
    if (arrived.fetch_add(1) + 1 < expected)
      while (arrived.load() < expected) ::usleep(100);
    return ::getpid();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(reuse, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(twelve_tasks_at_a_limit_of_three_use_three_processes) {
  for (unsigned const limit : {1u, 2u, 3u, 11u}) {
    shared<rendezvous> all;
    px::map<int> m({.limit = static_cast<int>(limit), .reuse = true});
    auto const f = m.manage(px::make_reusable([&](unsigned expected) { return all->meet(expected); }));
    for (int i = 0; i < 12; ++i) f(limit);
    std::set<int> pids;
    for (int pid : m) pids.insert(pid);
    BOOST_TEST(pids.size() == limit);
    BOOST_TEST(!pids.contains(::getpid()));
  }
}

BOOST_AUTO_TEST_CASE(code_written_by_hand_keeps_its_process) {
  for (std::size_t const limit : {1u, 2u, 11u}) {
    px::queue<int> q({.limit = static_cast<int>(limit), .reuse = true});
    auto const f = q.manage(pid_by_hand);
    for (int i = 0; i < 30; ++i) f(i);
    BOOST_TEST(q.active().size() == limit);
    std::set<int> pids;
    int count = 0;
    for (int pid : q) pids.insert(pid), ++count;
    BOOST_TEST(count == 30);
    BOOST_TEST(pids.size() == limit);
  }
}

BOOST_AUTO_TEST_CASE(a_later_batch_finds_the_processes_of_the_first) {
  px::map<int> m({.limit = 1, .reuse = true});
  m.start(px::make_reusable(own_pid), 0);
  int const first = m[0];
  m.start(px::make_reusable(own_pid), 1);
  BOOST_TEST(m[1] == first);
}

BOOST_AUTO_TEST_CASE(each_task_runs_the_callable_it_was_given) {
  for (int const limit : {1, 2, 11}) {
    px::map<int> m({.limit = limit, .reuse = true});
    for (int i = 0; i < 20; ++i) {
      m.start(px::make_reusable([](int n) { return n + 1; }), i);
      m.start(px::make_reusable([](int n) { return n * 100; }), i);
      m.start(px::make_reusable([i](int n) { return n + i * 1000; }), i);  // another object each time
      m.start(px::make_reusable(own_pid), i);
    }
    for (int i = 0; i < 20; ++i) {
      auto const at = static_cast<std::size_t>(i) * 4;
      BOOST_TEST(m[at] == i + 1);
      BOOST_TEST(m[at + 1] == i * 100);
      BOOST_TEST(m[at + 2] == i * 1001);
      BOOST_TEST(m[at + 3] > 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_a_lambda_refers_to_is_seen_as_it_was_when_it_was_given_first) {
  px::map<int> m({.limit = 2, .reuse = true});
  std::vector<int> table{10, 20, 30};
  auto const f = m.manage(px::make_reusable([&](std::size_t i) { return table.at(i); }));
  for (std::size_t i = 0; i < 3; ++i) f(i);
  BOOST_TEST(m.slice(0, 3) == (std::vector{10, 20, 30}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(code_by_hand_and_plain_functions_share_one_limit) {
  for (int const limit : {1, 2, 11}) {
    px::map<int> m({.limit = limit, .reuse = true});
    auto const by_hand = m.manage(sum_by_hand);
    auto const plain = m.manage(px::make_reusable([](int a, int b) { return a * b; }));
    for (int i = 0; i < 15; ++i) {
      by_hand(i, 1);
      plain(i, 2);
      m.start(half_by_hand, i);
    }
    for (int i = 0; i < 15; ++i) {
      auto const at = static_cast<std::size_t>(i) * 3;
      BOOST_TEST(m[at] == i + 1);
      BOOST_TEST(m[at + 1] == i * 2);
      BOOST_TEST(m[at + 2] == i / 2);
    }
    BOOST_TEST(!m.unfinished());
  }
}

BOOST_AUTO_TEST_CASE(plain_functions_that_come_first_do_not_keep_others_out) {
  px::map<int> m({.limit = 1, .reuse = true});
  for (int i = 0; i < 50; ++i) m.start(px::make_reusable([](int n) { return n; }), i);
  m.start([](px::channel& up) { up.send(-1); });
  for (int i = 51; i < 100; ++i) m.start(px::make_reusable([](int n) { return n; }), i);
  int expected = 0;
  for (int r : m) {
    BOOST_TEST(r == (expected == 50 ? -1 : expected));
    ++expected;
  }
  BOOST_TEST(expected == 100);
}

BOOST_AUTO_TEST_CASE(functions_that_return_nothing_can_be_reused) {
  shared<std::atomic<int>> sum(0);
  px::queue<std::monostate> q({.limit = 2, .reuse = true});
  auto const f = q.manage(px::make_reusable([&](int n) { sum->fetch_add(n); }));
  for (int i = 1; i <= 20; ++i) f(i);
  q.finish();
  BOOST_TEST(q.size() == 20u);
  BOOST_TEST(sum->load() == 210);
}

BOOST_AUTO_TEST_CASE(text_given_as_a_literal_arrives_as_text) {
  px::map<std::size_t> m({.limit = 2, .reuse = true});
  auto const length = m.manage(px::make_reusable([](std::string const& s) { return s.size(); }));
  length("four");
  length(std::string("eleven char"));
  BOOST_TEST(m[0] == 4u);
  BOOST_TEST(m[1] == 11u);
}

BOOST_AUTO_TEST_CASE(a_failure_costs_its_own_task_and_a_new_process_takes_the_place) {
  for (int const limit : {1, 2, 11}) {
    px::map<int> m({.limit = limit, .reuse = true});
    auto const by_hand = m.manage([](px::channel& up, int n) {
      for (std::optional args{std::tuple(n)}; args; args = up.receive<std::optional<std::tuple<int>>>()) {
        if (std::get<0>(*args) % 5 == 3) ::raise(SIGKILL);
        if (std::get<0>(*args) % 5 == 4) throw std::range_error("four");
        up.send(std::get<0>(*args));
      }
    });
    auto const plain = m.manage(px::make_reusable([](int n) {
      if (n % 5 == 3) ::raise(SIGKILL);
      if (n % 5 == 4) throw std::range_error("four");
      return n;
    }));
    for (int i = 0; i < 15; ++i) (i % 2) ? by_hand(i) : plain(i);
    for (std::size_t i = 0; i < 15; ++i) {
      BOOST_TEST_CONTEXT("task " << i << " at limit " << limit) {
        if (i % 5 == 3) BOOST_CHECK_THROW(m[i], px::process_died);
        else if (i % 5 == 4) BOOST_CHECK_THROW(m[i], px::remote_exception);
        else BOOST_TEST(m[i] == static_cast<int>(i));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(parameters_that_cannot_be_sent_are_inherited_by_another_process) {
  px::queue<int> q({.limit = 1, .reuse = true});
  for (int n = 1; n <= 4; ++n)
    q.start(
        [](px::channel& up, unsendable first) {
          for (std::optional args{std::tuple(first)}; args; args = up.receive<std::optional<std::tuple<unsendable>>>())
            up.send(std::get<0>(*args).number);
        },
        unsendable{n});
  std::multiset<int> got;
  for (int n : q) got.insert(n);
  BOOST_TEST((got == std::multiset<int>{1, 2, 3, 4}));
}

BOOST_AUTO_TEST_CASE(parameters_that_are_not_serializable_at_all_are_inherited_with_and_without_reuse) {
  struct config {
    std::string name;
    std::function<int()> number;
  };
  for (bool const again : {false, true}) {
    px::queue<std::string> q({.limit = 2, .reuse = again});
    for (int n = 0; n < 3; ++n) {
      config const c{"c", [n] { return n; }};
      q.start([](px::channel& up, config const& x) { up.send("by hand " + x.name + std::to_string(x.number())); }, c);
      q.start(px::make_reusable([](config const& x) { return x.name + std::to_string(x.number()); }), c);
    }
    std::set<std::string> got;
    for (std::string const& s : q) got.insert(s);
    BOOST_TEST((got == std::set<std::string>{"c0", "c1", "c2", "by hand c0", "by hand c1", "by hand c2"}));
  }
}

BOOST_AUTO_TEST_CASE(destroyed_with_work_under_way_it_leaves_nothing) {
  gate held;
  px::queue<int> q({.limit = 2, .reuse = true});
  q.start(px::make_reusable([&] { held.wait(); return 1; }));
  q.start([&](px::channel& up) { held.wait(), up.send(1); });
  for (int i = 0; i < 10; ++i) q.start(px::make_reusable(own_pid), i);
  BOOST_TEST(q.active().size() == 2u);
  BOOST_TEST(q.waiting() > 0u);
}

BOOST_AUTO_TEST_SUITE_END()
