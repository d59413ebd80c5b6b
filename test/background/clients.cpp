// Clients that behave as none should, and one that is not hurt by them.
#define BOOST_TEST_MODULE clients
#include <procx/background/background_callable.hpp>
#include <procx/background/background_queue.hpp>

#include "endpoint/handshake.hpp"
#include "support/background_scene.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
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

px::background_callable<void (*)(px::channel&, int)> counting(fs::path const& address) { return {address, count_up}; }

void say(own_fd const& socket, std::string const& text) {
  BOOST_REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

std::string greeting_of_a_client() {
  px::detail::buffer out;
  px::detail::handshake(px::detail::greeting::own(0, 1 << 20), px::detail::handshake::demand::machine).write(out);
  return {reinterpret_cast<char const*>(out.data()), out.size()};
}

std::string frame_of(px::detail::frame_kind kind, std::uint64_t id, std::string const& payload = {}) {
  px::detail::buffer out;
  px::detail::frame_writer(out).add(kind, id, std::as_bytes(std::span(payload)));
  return {reinterpret_cast<char const*>(out.data()), out.size()};
}

void takes_all(fs::path const& address, int count) {
  int expected = 0;
  px::background_queue<int> results(address);
  for (int r : results) BOOST_REQUIRE(r == expected++);
  BOOST_TEST(expected == count);
}

/// What the background process has said until it hung up.
std::string until_hung_up(own_fd const& socket) {
  BOOST_REQUIRE(readable(socket.get()));
  return read_all(socket.get());
}

struct taken {
  int client;
  int value;
};

/// Takes results, each noted before it is acknowledged, until the end.
[[noreturn]] void take_and_note(fs::path const& address, int client, int notes) {
  int code = 0;
  try {
    px::background_queue<int> results(address);
    for (int r : results) {
      taken const note{client, r};
      if (::write(notes, &note, sizeof note) != sizeof note) code = 2;
    }
  } catch (...) {
    code = 1;
  }
  ::_exit(code);
}

bool next_note(int notes, std::vector<taken>& all) {
  taken one;
  std::string const bytes = read_exactly(notes, sizeof one);
  if (bytes.size() < sizeof one) return false;
  std::memcpy(&one, bytes.data(), sizeof one);
  all.push_back(one);
  return true;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(clients, scene)

BOOST_AUTO_TEST_CASE(one_that_talks_nonsense_is_hung_up_on) {
  counting(address)(100);
  for (std::string const& nonsense :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100'000, '\xff'), std::string(64, '\0'),
        frame_of(px::detail::frame_kind::acknowledge, 1), frame_of(px::detail::frame_kind::hello, 0, "hello"),
        frame_of(px::detail::frame_kind::hello, 0, std::string(5000, 'x')),
        greeting_of_a_client() + frame_of(px::detail::frame_kind::acknowledge, 99),
        greeting_of_a_client() + frame_of(px::detail::frame_kind::value, 1, "x")}) {
    own_fd const client = connected(address);
    (void)::send(client.get(), nonsense.data(), nonsense.size(), MSG_NOSIGNAL);
    until_hung_up(client);
  }
  takes_all(address, 100);
}

BOOST_AUTO_TEST_CASE(one_that_says_nothing_is_hung_up_on_after_two_seconds) {
  own_pipe go;
  px::background_callable job(address, [&](px::channel& up) {
    for (int i = 0; i < 50; ++i) up.send(i);
    read_exactly(go.read.get(), 1);
    up.send(50);
  });
  job();
  own_fd const silent = connected(address), half = connected(address);
  say(half, greeting_of_a_client().substr(0, 20));
  px::background_queue<int> results(address);
  for (int i = 0; i < 50; ++i) BOOST_REQUIRE(results.next().value() == i);
  std::string const greeting = until_hung_up(silent);
  BOOST_TEST(greeting.size() > px::detail::frame_header::size);
  BOOST_TEST(until_hung_up(half) == greeting);
  BOOST_TEST(::write(go.write.get(), "g", 1) == 1);
  BOOST_TEST(results.next().value() == 50);
  BOOST_TEST(!results.next());
}

BOOST_AUTO_TEST_CASE(one_that_never_reads_keeps_a_few_results_from_others_until_it_goes) {
  px::background_callable job(address, [](px::channel& up) {
    for (int i = 0; i < 1000; ++i) up.send(std::to_string(i) + '.' + std::string(10'000, 'x'));
  });
  job();
  own_fd idle = connected(address);
  say(idle, greeting_of_a_client());
  BOOST_REQUIRE(read_exactly(idle.get(), 1).size() == 1);
  std::vector<int> all;
  px::background_queue<std::string> results(address);
  while (all.size() < 980) all.push_back(std::stoi(results.next().value()));
  idle.close();
  while (auto const r = results.next()) all.push_back(std::stoi(*r));
  BOOST_TEST(all.size() == 1000u);
  std::ranges::sort(all);
  for (int i = 0; i < 1000; ++i) BOOST_REQUIRE(all[static_cast<std::size_t>(i)] == i);
}

BOOST_AUTO_TEST_CASE(one_that_stops_in_the_midst_of_a_word_holds_up_nobody) {
  counting(address)(1000);
  own_fd half = connected(address);
  say(half, greeting_of_a_client() + frame_of(px::detail::frame_kind::acknowledge, 1).substr(0, 7));
  BOOST_REQUIRE(read_exactly(half.get(), 1).size() == 1);
  px::background_queue<int> results(address);
  std::vector<int> all;
  while (all.size() < 980) all.push_back(results.next().value());
  half.close();
  while (auto const r = results.next()) all.push_back(*r);
  std::ranges::sort(all);
  BOOST_REQUIRE(all.size() == 1000u);
  for (int i = 0; i < 1000; ++i) BOOST_REQUIRE(all[static_cast<std::size_t>(i)] == i);
}

BOOST_AUTO_TEST_CASE(a_hundred_at_once_share_the_results) {
  counting(address)(5000);
  own_pipe notes;
  std::vector<pid_t> pids;
  for (int client = 0; client < 100; ++client) {
    pid_t const pid = ::fork();
    if (pid == 0) take_and_note(address, client, notes.write.get());
    pids.push_back(pid);
  }
  notes.write.close();
  std::vector<taken> all;
  while (next_note(notes.read.get(), all)) {}
  for (pid_t const pid : pids) ::waitpid(pid, nullptr, 0);
  std::ranges::sort(all, {}, &taken::value);
  BOOST_REQUIRE(all.size() == 5000u);
  for (int i = 0; i < 5000; ++i) BOOST_REQUIRE(all[static_cast<std::size_t>(i)].value == i);
}

BOOST_AUTO_TEST_CASE(those_that_come_at_the_very_end_learn_of_it) {
  counting(address)(1);
  own_fd const late = connected(address);  // it will greet when all is over
  px::background_queue<int> results(address);
  BOOST_TEST(results.next().value() == 0);
  BOOST_TEST(!results.next());
  BOOST_TEST(!fs::exists(address));
  say(late, greeting_of_a_client());
  std::string const said = until_hung_up(late);
  BOOST_TEST(said.ends_with(frame_of(px::detail::frame_kind::end, 0)));
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_whenever_clients_are_killed) {
  constexpr int count = 10'000;
  counting(address)(count);
  own_pipe notes;
  std::vector<taken> all;
  std::mt19937 random(4711);
  bool ended = false;
  for (int client = 0; !ended; ++client) {
    pid_t const pid = ::fork();
    if (pid == 0) take_and_note(address, client, notes.write.get());
    auto const enough = all.size() + std::uniform_int_distribution<std::size_t>(0, 200)(random);
    while (all.size() < enough && !ended) {
      pollfd note{notes.read.get(), POLLIN, 0};
      int const came = ::poll(&note, 1, 10);
      if (came > 0) next_note(notes.read.get(), all);
      ended = came == 0 && ::waitpid(pid, nullptr, WNOHANG) == pid;
    }
    if (!ended) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    for (pollfd note{notes.read.get(), POLLIN, 0}; ::poll(&note, 1, 0) > 0;) next_note(notes.read.get(), all);
    ended = ended || !fs::exists(address);
  }
  // In order, and again only what a client had noted last, and not acknowledged, before it was killed.
  BOOST_REQUIRE(!all.empty());
  BOOST_TEST(all.front().value == 0);
  BOOST_TEST(all.back().value == count - 1);
  int again = 0;
  for (std::size_t i = 1; i < all.size(); ++i) {
    int const step = all[i].value - all[i - 1].value;
    BOOST_REQUIRE((step == 1 || (step == 0 && all[i].client != all[i - 1].client)));
    again += step == 0;
  }
  BOOST_TEST_MESSAGE(all.back().client + 1 << " clients, " << again << " results were taken again");
  BOOST_TEST(all.back().client > 10);
}

BOOST_AUTO_TEST_CASE(those_of_another_user_are_not_heard) {
  if (::geteuid() != 0) return;  // who is not root can be nobody else
  counting(address)(3);
  BOOST_TEST(heard_by_another_user() == "");
  takes_all(address, 3);
}

BOOST_AUTO_TEST_SUITE_END()
