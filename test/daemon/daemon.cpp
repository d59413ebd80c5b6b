#define BOOST_TEST_MODULE daemon
#include "support/daemon_scene.hpp"

#include <atomic>
#include <numeric>
#include <ranges>
#include <set>

using namespace daemon_scene;

namespace {

std::vector<int> loaded;  // by prepare
int load(int index) { return loaded.at(static_cast<std::size_t>(index)); }
PROCX_TASK(load);

}  // namespace

BOOST_FIXTURE_TEST_SUITE(daemons, scene)

BOOST_AUTO_TEST_CASE(a_function_is_called_by_itself_or_by_its_name) {
  start();
  px::connection c = px::connect(address);
  BOOST_TEST(c.call(square, 8) == 64);
  BOOST_TEST(c.call<int>("square", 9) == 81);
  BOOST_TEST(c.call<int>("sum", 2, 3) == 5);
  BOOST_TEST(c.call(doubled, "ab") == "abab");
  BOOST_TEST(c.call<std::string>("doubled", "cd") == "cdcd");
  BOOST_CHECK_NO_THROW(c.call<void>("wait for", address.string()));
}

BOOST_AUTO_TEST_CASE(what_goes_wrong_costs_that_call_alone) {
  start();
  px::connection c = px::connect(address);
  BOOST_CHECK_EXCEPTION(c.call(square, -1), px::remote_exception, [](px::remote_exception const& e) {
    return e.type_name() == "std::domain_error" && e.message() == "negative";
  });
  BOOST_CHECK_EXCEPTION(c.call(square, 13), px::process_died,
                        [](px::process_died const& e) { return e.status().signal() == SIGABRT && e.pid() > 0; });
  BOOST_CHECK_EXCEPTION(c.call<int>("nobody"), px::protocol_error, [](px::protocol_error const& e) {
    return e.code() == px::errc::unknown_task && std::string(e.what()).find("\"nobody\"") != std::string::npos;
  });
  BOOST_CHECK_EXCEPTION(c.call<int>("square", std::string("8")), px::protocol_error, [](px::protocol_error const& e) {
    return e.code() == px::errc::signature_mismatch && std::string(e.what()).find("int (int)") != std::string::npos;
  });
  BOOST_CHECK_THROW(c.call<long>("square", 8), px::protocol_error);
  BOOST_TEST(c.call(square, 9) == 81);
}

BOOST_AUTO_TEST_CASE(a_function_that_this_program_has_not_registered_is_refused_here) {
  start();
  px::connection c = px::connect(address);
  BOOST_CHECK_THROW(c.call(+[](int n) { return n; }, 1), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(what_prepare_has_made_is_shared_by_all_workers) {
  std::string const notes = file("notes");
  start({.workers = 2, .prepare = [notes] {
           note(notes, "prepared");
           loaded = {1, 2, 3};
         }});
  px::connection c = px::connect(address);
  for (int n : {0, 1, 2}) BOOST_TEST(c.call(load, n) == n + 1);
  BOOST_CHECK_THROW(c.call(square, 13), px::process_died);  // a new worker
  BOOST_TEST(c.call(load, 2) == 3);
  BOOST_TEST(take("notes") == "prepared\n");
  BOOST_TEST(loaded.empty());
}

BOOST_AUTO_TEST_CASE(what_prepare_throws_is_thrown_by_the_start) {
  BOOST_CHECK_EXCEPTION(start({.prepare = [] { throw std::out_of_range("no model"); }}), px::remote_exception,
                        [](px::remote_exception const& e) {
                          return e.type_name() == "std::out_of_range" && e.message() == "no model";
                        });
  start();  // the address is free
}

BOOST_AUTO_TEST_CASE(a_prepare_that_dies_is_a_death_with_its_last_words) {
  BOOST_CHECK_EXCEPTION(start({.prepare =
                                   [] {
                                     std::fputs("no disk\n", stderr);
                                     ::raise(SIGKILL);
                                   }}),
                        px::process_died, [](px::process_died const& e) {
                          return e.status().signal() == SIGKILL && e.stderr_tail().find("no disk") != std::string::npos;
                        });
  fs::remove(background_scene::scene::file(".log"));
  start();
}

BOOST_AUTO_TEST_CASE(results_come_in_order_and_inputs_are_drawn_as_they_are_taken) {
  start();
  px::connection c = px::connect(address);
  int drawn = 0;
  auto const inputs = std::views::iota(100, 100'000) | std::views::transform([&](int n) { return ++drawn, n; });
  int next = 100;
  for (int r : c.pmap(square, inputs)) {
    BOOST_REQUIRE(r == static_cast<int>(static_cast<unsigned>(next) * static_cast<unsigned>(next)));
    if (++next == 5000) break;
    BOOST_REQUIRE(drawn <= next - 100 + 1024);
  }
  BOOST_TEST(c.call(square, 5) == 25);
}

BOOST_AUTO_TEST_CASE(failures_are_in_their_places) {
  start();
  px::connection c = px::connect(address);
  std::vector<std::string> whats;
  auto map = c.pmap(square, std::vector{2, 13, -3, 4});
  for (px::outcome<int> const& o : map.outcomes()) {
    BOOST_TEST(o.index() == whats.size());
    whats.push_back(o ? std::to_string(*o) : o.what());
  }
  BOOST_REQUIRE(whats.size() == 4u);
  BOOST_TEST((whats[0] == "4" && whats[3] == "16"));
  BOOST_TEST(whats[1].find("SIGABRT") != std::string::npos);
  BOOST_TEST(whats[2].find("negative") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(elements_that_are_tuples_are_spread_over_the_parameters) {
  start();
  px::connection c = px::connect(address);
  BOOST_TEST(c.pmap(sum, std::vector<std::pair<int, int>>{{1, 2}, {3, 4}}).to_vector() == (std::vector{3, 7}));
  BOOST_TEST(c.pmap<std::string>("doubled", std::vector<std::string>{"a", "b"}).to_vector() ==
             (std::vector<std::string>{"aa", "bb"}));
}

BOOST_AUTO_TEST_CASE(what_the_range_throws_comes_after_the_results_before_it) {
  start();
  px::connection c = px::connect(address);
  auto const inputs = std::views::iota(0, 10) | std::views::transform([](int n) {
                        if (n == 5) throw std::runtime_error("five");
                        return n;
                      });
  std::vector<int> got;
  auto const take_all = [&] {
    for (int r : c.pmap(square, inputs)) got.push_back(r);
  };
  BOOST_CHECK_EXCEPTION(take_all(), std::runtime_error, [](auto const& e) { return e.what() == std::string("five"); });
  BOOST_TEST(got == (std::vector{0, 1, 4, 9, 16}));
}

BOOST_AUTO_TEST_CASE(threads_share_a_connection_and_each_gets_its_own) {
  start();
  px::connection c = px::connect(address);
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 20; i < 220; ++i) right += c.call(square, i + t) == (i + t) * (i + t);
        for (int r : c.pmap(square, std::views::iota(100 * t + 20, 100 * t + 120))) right += r > 0;
      });
  }
  BOOST_TEST(right == 8 * 300);
}

BOOST_AUTO_TEST_CASE(large_values_come_whole) {
  start();
  px::connection c = px::connect(address);
  std::string const large(20'000'000, 'x');
  BOOST_TEST((c.call(doubled, large) == large + large));
  std::size_t bytes = 0;
  for (std::string const& s : c.pmap(zeros, std::vector<std::uint64_t>(50, 1'000'000))) bytes += s.size();
  BOOST_TEST(bytes == 50'000'000u);
}

BOOST_AUTO_TEST_CASE(what_is_too_large_is_an_error_of_that_call) {
  start({.frame_limit = 1 << 20});
  px::connection c = px::connect(address);
  auto const too_large = [](px::error const& e) { return e.code() == px::errc::value_too_large; };
  BOOST_CHECK_EXCEPTION(c.call(doubled, std::string(2 << 20, 'x')), px::protocol_error, too_large);
  BOOST_CHECK_THROW(c.call(zeros, 2 << 20), px::remote_exception);  // the worker refuses
  px::connection small = px::connect(address, {.frame_limit = 100'000});
  BOOST_CHECK_EXCEPTION(small.call(zeros, 200'000), px::protocol_error, too_large);
  BOOST_TEST(small.call(zeros, 90'000).size() == 90'000u);
  BOOST_TEST(c.call(square, 9) == 81);
}

BOOST_AUTO_TEST_CASE(nobody_waits_for_a_clients_many_slow_calls) {
  start({.workers = 2});
  px::connection busy = px::connect(address), quick = px::connect(address);
  std::jthread const slow([&] {
    for (int r : busy.pmap(noted, std::views::iota(0, 20'000) | std::views::transform([&](int n) {
                                    return std::pair(file("notes"), n);
                                  })))
      BOOST_REQUIRE(r >= 0);
  });
  wait_until("notes");
  for (int i = 20; i < 120; ++i) BOOST_REQUIRE(quick.call(square, i) == i * i);
  auto const lines = [&] {
    std::string const text = background_scene::text_of(folder / "notes");
    return std::ranges::count(text, '\n');
  };
  BOOST_TEST(lines() < 20'000);  // the quick ones did not stand behind all of them
  const_cast<std::jthread&>(slow).join();
  BOOST_TEST(lines() == 20'000);
  take("notes");
}

BOOST_AUTO_TEST_CASE(a_stop_answers_what_was_begun_and_frees_the_address) {
  start();
  std::string const go = file("go"), begun = file("begun");
  px::connection c = px::connect(address);
  std::atomic<bool> answered = false;
  std::jthread const caller([&] { answered = !c.call(wait_or_stop, begun, go); });
  wait_until("begun");
  std::jthread stopper([&] { px::stop_daemon(address); });
  while (fs::exists(address)) look_again();
  pid_t const old = std::exchange(pid, 0);
  start();  // another one, while the first has still something to answer
  px::connection d = px::connect(address);
  BOOST_TEST(d.call(square, 3) == 9);
  make("go");
  stopper.join();
  BOOST_TEST(observe::has_ended(old));
  const_cast<std::jthread&>(caller).join();
  BOOST_TEST(answered);
  BOOST_TEST(c.call(square, 3) == 9);  // by the other one
  take("go"), take("begun");
}

BOOST_AUTO_TEST_CASE(calls_that_do_not_end_in_time_are_ended_with_the_daemon) {
  start({.grace = std::chrono::nanoseconds(0), .drain = std::chrono::milliseconds(50)});
  px::connection c = px::connect(address);
  std::string const begun = file("begun"), never = file("never");
  std::jthread const caller([&] { BOOST_CHECK_THROW(c.call(wait_or_stop, begun, never), px::connection_error); });
  wait_until("begun");
  stop();
  take("begun");
}

BOOST_AUTO_TEST_CASE(sigterm_stops_it_as_well) {
  start();
  BOOST_TEST(px::connect(address).call(square, 2) == 4);
  ::kill(pid, SIGTERM);
  BOOST_TEST(observe::has_ended(std::exchange(pid, 0)));
  BOOST_TEST(!fs::exists(address));
}

BOOST_AUTO_TEST_CASE(the_death_of_the_daemon_is_seen_at_once_and_another_one_can_take_its_place) {
  for (int i = 0; i < 5; ++i) {
    start();
    px::connection c = px::connect(address);
    std::string const begun = file("begun"), never = file("never");
    std::jthread const caller([&] { BOOST_CHECK_THROW(c.call(wait_or_stop, begun, never), px::connection_error); });
    wait_until("begun");
    pid_t const w = px::connect(address).call(worker);
    ::kill(pid, SIGKILL);
    BOOST_TEST(observe::has_ended(pid));
    BOOST_TEST(observe::has_ended(w));
    take("begun");
  }
  start();
  BOOST_TEST(px::connect(address).call(square, 2) == 4);
}

BOOST_AUTO_TEST_CASE(nobody_at_the_address_or_nobody_who_speaks_this_is_a_connection_error) {
  BOOST_CHECK_THROW(px::connect(folder / "nobody.sock"), px::connection_error);
  BOOST_CHECK_THROW(px::stop_daemon(folder / "nobody.sock"), px::connection_error);
  start();
  BOOST_CHECK_THROW(start(), px::connection_error);
}

BOOST_AUTO_TEST_CASE(one_can_connect_as_soon_as_the_start_has_returned) {
  for (int i = 0; i < 100; ++i) {
    start();
    BOOST_REQUIRE(px::connect(address).call(square, i + 20) == (i + 20) * (i + 20));
    stop();
  }
}

BOOST_AUTO_TEST_CASE(its_files_are_the_owners_alone) {
  start();
  struct stat s {};
  for (char const* suffix : {"", ".lock", ".log"}) {
    BOOST_REQUIRE(::stat(background_scene::scene::file(suffix).c_str(), &s) == 0);
    BOOST_TEST((s.st_mode & 0777) == 0600u);
  }
}

BOOST_AUTO_TEST_CASE(a_socket_that_was_removed_is_made_again) {
  start();
  px::connection c = px::connect(address);
  for (int i = 0; i < 3; ++i) {
    fs::remove(address);
    if (i == 2) fs::remove(background_scene::scene::file(".lock"));
    while (!fs::exists(address)) look_again();
    BOOST_TEST(px::connect(address).call(square, i) == i * i);
    BOOST_TEST(c.call(square, 5) == 25);
  }
  BOOST_CHECK_THROW(start(), px::connection_error);
  BOOST_TEST(take("job.sock.log").find("is made again") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_daemon_whose_path_is_somebody_elses_answers_what_it_has_and_ends) {
  start();
  px::connection c = px::connect(address);
  std::string const begun = file("begun"), go = file("go");
  std::jthread const caller([&] { BOOST_TEST(!c.call(wait_or_stop, begun, go)); });
  wait_until("begun");
  make("other");
  fs::rename(file("other"), address);
  while (background_scene::text_of(background_scene::scene::file(".log")).find("the daemon ends") == std::string::npos) look_again();
  make("go");
  BOOST_TEST(observe::has_ended(std::exchange(pid, 0)));
  BOOST_TEST(background_scene::text_of(address) == "\n");  // it is not the daemon's to remove
  for (char const* left : {"job.sock", "job.sock.log", "begun", "go"}) take(left);
}

BOOST_AUTO_TEST_CASE(workers_may_be_the_daemon_itself) {
  start({.workers = px::here});
  px::connection c = px::connect(address);
  BOOST_TEST(c.call(square, 8) == 64);
  BOOST_TEST(c.call(worker) == pid);
}

BOOST_AUTO_TEST_SUITE_END()
