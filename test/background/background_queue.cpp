#define BOOST_TEST_MODULE background_queue
#include <procx/background/background_callable.hpp>
#include <procx/background/background_queue.hpp>
#include <procx/background/persistent_queue.hpp>

#include "support/background_scene.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace px = procx;
namespace fs = std::filesystem;
using namespace background_scene;
using namespace processes;

namespace {

void count_up(px::channel& up, int count) {
  for (int i = 0; i < count; ++i) up.send(i);
}

px::background_callable<void (*)(px::channel&, int)> counting(fs::path const& address, px::background_options const& o = {}) {
  return {address, count_up, o};
}

std::vector<int> up_to(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::vector<int> all_of(px::background_queue<int>& results) {
  std::vector<int> all;
  for (int r : results) all.push_back(r);
  return all;
}

std::vector<int> all_at(fs::path const& address) {
  px::background_queue<int> results(address);
  return all_of(results);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(background_queues, scene)

BOOST_AUTO_TEST_CASE(results_come_in_the_order_in_which_they_were_sent) {
  counting(address)(1000);
  BOOST_TEST(all_at(address) == up_to(1000));
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_half_way_leaves_the_rest_to_the_next) {
  counting(address)(1000);
  for (int taken = 0; taken < 500; taken += 10) {
    px::background_queue<int> results(address);
    auto it = results.begin();
    for (int i = 0; i < 10; ++i, ++it) BOOST_REQUIRE(*it == taken + i);
  }
  auto expected = up_to(1000);
  expected.erase(expected.begin(), expected.begin() + 500);
  BOOST_TEST(all_at(address) == expected);
}

BOOST_AUTO_TEST_CASE(what_a_client_is_just_looking_at_is_not_taken) {
  counting(address)(3);
  for (int i = 0; i < 5; ++i) {
    px::background_queue<int> results(address);
    BOOST_TEST(*results.begin() == 0);
  }
  px::background_queue<int> results(address);
  BOOST_TEST(results.next().value() == 0);
  BOOST_TEST(results.next().value() == 1);
  BOOST_TEST(results.next().value() == 2);
  BOOST_TEST(fs::exists(address));
  BOOST_TEST(!results.next());
  BOOST_TEST(!fs::exists(address));
  BOOST_TEST(!results.next());
}

BOOST_AUTO_TEST_CASE(two_clients_share_the_results) {
  counting(address)(2000);
  px::background_queue<int> a(address), b(address);
  std::vector<int> all;
  while (all.size() < 1000) {
    auto const from_a = a.next();
    auto const from_b = b.next();
    all.push_back(*from_a);
    all.push_back(*from_b);
  }
  {
    px::background_queue<int> const gone = std::move(b);
  }
  for (int r : a) all.push_back(r);
  BOOST_TEST(all.size() == 2001u);  // the one that the other client had not acknowledged was taken again
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  BOOST_TEST(all == up_to(2000));
}

BOOST_AUTO_TEST_CASE(where_there_are_no_results_somebody_learns_of_the_end) {
  pid_t const pid = counting(address)(0);
  BOOST_TEST(all_at(address).empty());
  BOOST_TEST(observe::has_ended(pid));
}

BOOST_AUTO_TEST_CASE(nobody_listens_is_an_error_of_begin) {
  BOOST_CHECK_THROW(px::background_queue<int>(address).begin(), px::connection_error);
  BOOST_CHECK_THROW(px::background_queue<int>(folder / "none" / "job.sock").begin(), px::connection_error);
  std::ofstream(address) << "text";
  BOOST_CHECK_THROW(px::background_queue<int>(address).begin(), px::connection_error);
  fs::remove(address);
}

BOOST_AUTO_TEST_CASE(what_the_callable_throws_comes_in_its_place) {
  px::background_callable job(address, [](px::channel& up) {
    up.send(1);
    throw std::range_error("no more");
  });
  job();
  px::background_queue<int> results(address);
  auto it = results.begin();
  BOOST_TEST(*it == 1);
  ++it;
  try {
    BOOST_TEST(*it == 0);
    BOOST_TEST(false);
  } catch (px::remote_exception const& e) {
    BOOST_TEST(e.type_name() == "std::range_error");
    BOOST_TEST(e.message() == "no more");
  }
  ++it;
  BOOST_TEST((it == results.end()));
}

BOOST_AUTO_TEST_CASE(a_crash_of_the_callable_comes_in_its_place) {
  px::background_callable job(address, [](px::channel& up) {
    up.send(1);
    std::cerr << "I am lost" << std::endl;
    ::raise(SIGKILL);
  });
  job();
  px::background_queue<int> results(address);
  std::vector<px::outcome<int>> all;
  for (auto& o : results.outcomes()) all.push_back(std::move(o));
  BOOST_REQUIRE(all.size() == 2u);
  BOOST_TEST(*all[0] == 1);
  BOOST_TEST(all[1].index() == 1u);
  try {
    all[1].value();
    BOOST_TEST(false);
  } catch (px::process_died const& e) {
    BOOST_TEST(e.status().signal() == SIGKILL);
    BOOST_TEST(e.stderr_tail() == "I am lost\n");
  }
  BOOST_TEST(text_of(file(".log")) == "I am lost\n");
  fs::remove(file(".log"));
}

BOOST_AUTO_TEST_CASE(one_that_leaves_without_a_result_has_died) {
  px::background_callable job(address, px::make_parallel([] {
    std::exit(0);
    return 1;
  }));
  job();
  px::background_queue<int> results(address);
  auto it = results.begin();
  BOOST_CHECK_THROW(*it, px::process_died);
  ++it;
  BOOST_TEST((it == results.end()));
}

BOOST_AUTO_TEST_CASE(another_type_than_was_sent_is_refused_in_its_place) {
  counting(address)(1);
  px::background_queue<std::string> results(address);
  auto it = results.begin();
  BOOST_CHECK_THROW(*it, px::protocol_error);
  ++it;
  BOOST_TEST((it == results.end()));
}

BOOST_AUTO_TEST_CASE(when_the_background_process_is_killed_its_clients_know_at_once) {
  px::background_callable job(address, [](px::channel& up) {
    up.send(1);
    for (;;) ::pause();
  });
  pid_t const pid = job();
  px::background_queue<int> results(address);
  auto it = results.begin();
  BOOST_TEST(*it == 1);
  ::kill(pid, SIGKILL);
  ++it;
  BOOST_CHECK_THROW(*it, px::connection_error);
  ++it;
  BOOST_TEST((it == results.end()));
  BOOST_CHECK_THROW(px::background_queue<int>(address).begin(), px::connection_error);
  counting(address)(2);
  BOOST_TEST(all_at(address) == up_to(2));
}

BOOST_AUTO_TEST_CASE(results_beyond_the_bound_wait_in_a_file_without_a_name) {
  own_pipe done;
  px::background_callable job(
      address,
      [&](px::channel& up) {
        for (int i = 0; i < 20'000; ++i) up.send(std::to_string(i) + std::string(100, '.'));
        if (::write(done.write.get(), "d", 1) != 1) ::_exit(1);
      },
      {.memory = 10'000});
  pid_t const pid = job();
  BOOST_TEST(read_exactly(done.read.get(), 1) == "d");
  bool in_file = false;
  for (auto const& fd : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code none;
    in_file = in_file || (fs::read_symlink(fd, none).string().starts_with(folder.string() + "/#") &&
                          fs::file_size(fd, none) > 1'000'000);
  }
  BOOST_TEST(in_file);
  BOOST_TEST(std::distance(fs::directory_iterator(folder), {}) == 3);  // socket, lock, log
  int expected = 0;
  px::background_queue<std::string> results(address);
  for (std::string const& r : results) BOOST_REQUIRE(r == std::to_string(expected++) + std::string(100, '.'));
  BOOST_TEST(expected == 20'000);
}

BOOST_AUTO_TEST_CASE(large_results_travel_too) {
  px::background_callable job(address, px::make_parallel([] { return std::string(std::size_t{100} << 20, 'x'); }));
  job();
  px::background_queue<std::string> results(address);
  BOOST_TEST(results.next().value().size() == std::size_t{100} << 20);
  BOOST_TEST(!results.next());
}

BOOST_AUTO_TEST_CASE(many_addresses_are_one_range) {
  px::persistent_queue<int> q;
  for (int i = 0; i < 10; ++i) {
    fs::path const at = folder / std::to_string(i);
    counting(at)(i);
    q.connect(at);
  }
  std::vector<int> per_address(10);
  for (auto const& o : q.outcomes()) BOOST_TEST(*o == per_address[o.index()]++);
  BOOST_TEST(per_address == up_to(10));
  BOOST_TEST(q.address(3) == folder / "3");

  counting(address)(3);
  q.connect(address);
  int sum = 0;
  for (int r : q) sum += r;
  BOOST_TEST(sum == 3);
}

BOOST_AUTO_TEST_CASE(what_fails_at_one_address_leaves_the_others_alone) {
  fs::path const lost = folder / "lost", thrower = folder / "thrower";
  px::background_callable waiting(lost, [](px::channel&) {
    for (;;) ::pause();
  });
  px::background_callable throwing(thrower, px::make_parallel([]() -> int { throw std::runtime_error("no"); }));
  pid_t const killed = waiting();
  throwing();
  counting(address)(100);
  px::persistent_queue<int> q;
  BOOST_CHECK_THROW(q.connect(folder / "nobody"), px::connection_error);
  q.connect(lost);
  q.connect(thrower);
  q.connect(address);
  int values = 0, lost_ones = 0, thrown = 0;
  for (auto const& o : q.outcomes()) try {
      o.value();
      if (++values == 50) ::kill(killed, SIGKILL);
    } catch (px::connection_error const&) {
      ++lost_ones;
      BOOST_TEST(q.address(o.index()) == lost);
    } catch (px::remote_exception const&) {
      ++thrown;
      BOOST_TEST(q.address(o.index()) == thrower);
    }
  BOOST_TEST(values == 100);
  BOOST_TEST(lost_ones == 1);
  BOOST_TEST(thrown == 1);
  for (char const* left : {"", ".lock", ".log"}) fs::remove(lost.string() + left);
}

BOOST_AUTO_TEST_CASE(in_a_child_of_the_users_own_a_queue_is_inert) {
  counting(address)(10);
  px::background_queue<int> results(address);
  auto it = results.begin();
  BOOST_TEST(code_of_fork([&] {
    try {
      ++it;
    } catch (px::error const& e) {
      return e.code() == px::errc::foreign_process ? 0 : 1;
    }
    return 2;
  }) == 0);
  std::vector<int> all{*it};
  for (int r : results) all.push_back(r);
  BOOST_TEST(all == up_to(10));
}

BOOST_AUTO_TEST_SUITE_END()
