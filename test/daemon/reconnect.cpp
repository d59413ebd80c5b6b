// Connections that break, and calls that are answered all the same, once.
#define BOOST_TEST_MODULE reconnect
#include "support/daemon_scene.hpp"

#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <future>
#include <map>
#include <random>
#include <ranges>
#include <sstream>

#include <sys/wait.h>

using namespace daemon_scene;
using namespace processes;
using namespace std::chrono_literals;

namespace {

constexpr px::connect_options patient{.reconnect = 20s, .session = {}, .frame_limit = px::detail::default_frame_limit};

/// Breaks the connections of this process: all sockets that the daemon is at the other end of.
void break_connections(pid_t daemon) {
  for (auto const& entry : fs::directory_iterator("/proc/self/fd")) {
    int const fd = std::stoi(entry.path().filename());
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == daemon) ::shutdown(fd, SHUT_RDWR);
  }
}

/// How often each number was noted.
std::map<int, int> counted(std::string const& text) {
  std::map<int, int> all;
  std::istringstream in(text);
  for (int n = 0; in >> n;) ++all[n];
  return all;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(reconnecting, scene)

BOOST_AUTO_TEST_CASE(a_broken_connection_is_made_again_and_the_next_call_does_not_notice) {
  start();
  px::connection c = px::connect(address, patient);
  for (int i = 20; i < 40; ++i) {
    break_connections(pid);
    BOOST_REQUIRE(c.call(square, i) == i * i);
  }
}

BOOST_AUTO_TEST_CASE(a_call_that_is_under_way_gets_the_answer_of_its_first_run) {
  start({.workers = 1});
  px::connection c = px::connect(address, patient);
  auto answer = c.async_call(px::call(wait_or_stop, file("begun"), file("go")), boost::asio::use_future);
  wait_until("begun");
  break_connections(pid);
  make("go");
  BOOST_TEST(!answer.get());
  BOOST_TEST(take("begun") == "begun\n");  // it has run once
  take("go");
}

BOOST_AUTO_TEST_CASE(many_breaks_in_the_midst_of_many_calls_run_each_of_them_once) {
  start();
  px::connection c = px::connect(address, patient);
  constexpr int count = 5000;
  std::string const notes = file("notes");
  std::atomic<bool> over = false;
  std::jthread const breaker([&] {
    while (!over) {
      break_connections(pid);
      std::this_thread::sleep_for(2ms);
    }
  });
  int next = 0;
  auto const inputs = std::views::iota(0, count) | std::views::transform([&](int n) { return std::pair(notes, n); });
  for (int r : c.pmap(noted, inputs)) BOOST_REQUIRE(r == next++);
  over = true;
  BOOST_TEST(next == count);
  auto const all = counted(take("notes"));
  BOOST_TEST(all.size() == static_cast<std::size_t>(count));
  BOOST_TEST(std::ranges::all_of(all, [](auto const& n) { return n.second == 1; }));
}

BOOST_AUTO_TEST_CASE(without_the_option_what_was_sent_fails_and_the_connection_is_of_no_use) {
  start();
  px::connection c = px::connect(address);
  break_connections(pid);
  BOOST_CHECK_THROW(c.call(square, 2), px::connection_error);
  BOOST_CHECK_THROW(c.call(square, 2), px::connection_error);
}

BOOST_AUTO_TEST_CASE(if_the_daemon_keeps_no_answers_what_was_sent_fails_and_the_rest_goes_on) {
  start({.keep_answers = 0s});
  px::connection c = px::connect(address, patient);
  auto answer = c.async_call(px::call(wait_or_stop, file("begun"), file("go")), boost::asio::use_future);
  wait_until("begun");
  break_connections(pid);
  BOOST_CHECK_THROW(answer.get(), px::connection_error);
  BOOST_TEST(c.call(square, 3) == 9);
  make("go");
  (void)c.call(square, 3);
  take("go"), take("begun");
}

BOOST_AUTO_TEST_CASE(it_goes_on_with_another_daemon_after_a_kill) {
  start();
  px::connection c = px::connect(address, patient);
  for (int i = 20; i < 25; ++i) {
    BOOST_TEST(c.call(square, i) == i * i);
    ::kill(pid, SIGKILL);
    BOOST_TEST(observe::has_ended(pid));
    auto under_way = c.async_call(px::call(square, i + 1), boost::asio::use_future);
    start();
    BOOST_TEST(under_way.get() == (i + 1) * (i + 1));
  }
}

BOOST_AUTO_TEST_CASE(it_goes_on_with_another_daemon_after_a_stop) {
  start();
  px::connection c = px::connect(address, patient);
  BOOST_TEST(c.call(square, 4) == 16);
  stop();
  auto under_way = c.async_call(px::call(square, 5), boost::asio::use_future);
  start();
  BOOST_TEST(under_way.get() == 25);
}

BOOST_AUTO_TEST_CASE(after_its_time_it_gives_up) {
  start();
  px::connection c = px::connect(address, {.reconnect = 50ms});
  stop();
  BOOST_CHECK_THROW(c.call(square, 4), px::connection_error);
  BOOST_CHECK_THROW(c.async_call(px::call(square, 4), boost::asio::use_future).get(), px::connection_error);
  start();
}

BOOST_AUTO_TEST_CASE(a_program_that_is_killed_again_and_again_gets_each_answer_and_nothing_is_run_twice) {
  start();
  constexpr int count = 3000;
  std::string const notes = file("notes"), results = file("results");
  std::mt19937 random(4711);
  auto const taken = [&] { return std::ranges::count(background_scene::text_of(results), '\n'); };
  bool over = false;
  int clients = 0;
  for (; !over; ++clients) {
    pid_t const child = ::fork();
    if (child == 0) {
      // It makes the same calls each time, and passes over those whose answers were taken before.
      auto const inputs = std::views::iota(0, count) | std::views::transform([&](int n) { return std::pair(notes, n); });
      px::connection c = px::connect(address, {.reconnect = 20s, .session = "importer"});
      auto map = c.pmap(noted, inputs);
      for (auto const& o : map.outcomes())
        if (o) note(results, std::to_string(*o));
      ::_exit(0);
    }
    auto const enough = taken() + std::uniform_int_distribution(1, 200)(random);
    int status = 0;
    pid_t ended = 0;
    while (!(ended = ::waitpid(child, &status, WNOHANG)) && taken() < enough) look_again();
    if (!ended) ::kill(child, SIGKILL), ::waitpid(child, &status, 0);
    over = WIFEXITED(status);
  }
  BOOST_TEST_MESSAGE(clients << " clients");
  auto const run = counted(take("notes"));
  BOOST_TEST(run.size() == static_cast<std::size_t>(count));
  BOOST_TEST(std::ranges::all_of(run, [](auto const& n) { return n.second == 1; }));
  take("results");
}

BOOST_AUTO_TEST_CASE(a_session_is_kept_no_longer_than_it_says) {
  start({.keep_answers = 1s});
  px::connect_options const named{.reconnect = 20s, .session = "one"};
  px::detail::session_token token{};
  token[0] = std::byte{1};
  auto const resumed = [&] {
    own_fd const client = background_scene::connected(address);
    say(client, greeting_of_a_client() + open_of_a_client(token));
    for (;;) {
      std::string const head = read_exactly(client.get(), px::detail::frame_header::size);
      auto const h = px::detail::frame_header::read(reinterpret_cast<std::byte const*>(head.data()));
      std::string const payload = read_exactly(client.get(), h.length);
      if (h.kind == px::detail::frame_kind::message)
        return px::detail::read_opened(std::as_bytes(std::span(payload))).resumed;
    }
  };
  BOOST_TEST(!resumed());
  BOOST_TEST(resumed());
  auto const start_of_wait = std::chrono::steady_clock::now();
  std::this_thread::sleep_until(start_of_wait + 1500ms);  // the promise is about time
  BOOST_TEST(!resumed());
}

BOOST_AUTO_TEST_SUITE_END()
