// Clients that behave as none should, and one that is not hurt by them.
#define BOOST_TEST_MODULE clients
#include "support/daemon_scene.hpp"

#include <procx/detail/wire/frame.hpp>

#include <algorithm>
#include <numeric>
#include <random>
#include <ranges>
#include <set>

#include <sys/resource.h>
#include <sys/wait.h>

using namespace daemon_scene;
using namespace processes;
using background_scene::connected;

namespace {

/// What the daemon has said until it hung up.
std::string until_hung_up(own_fd const& socket) {
  BOOST_REQUIRE(readable(socket.get()));
  return read_all(socket.get());
}

/// The next frame that the daemon sends.
struct heard_frame {
  px::detail::frame_header header{};
  std::string payload;
};
heard_frame next_frame(own_fd const& socket) {
  heard_frame f;
  std::string const head = read_exactly(socket.get(), px::detail::frame_header::size);
  BOOST_REQUIRE(head.size() == px::detail::frame_header::size);
  f.header = px::detail::frame_header::read(reinterpret_cast<std::byte const*>(head.data()));
  f.payload = read_exactly(socket.get(), f.header.length);
  return f;
}
own_fd opened(fs::path const& address) {
  own_fd client = connected(address);
  say(client, greeting_of_a_client() + open_of_a_client());
  BOOST_TEST(bool(next_frame(client).header.kind == px::detail::frame_kind::hello));
  BOOST_TEST(bool(next_frame(client).header.kind == px::detail::frame_kind::message));
  return client;
}

std::string frame_of(px::detail::frame_kind kind, std::uint64_t id, std::string const& payload = {}) {
  return said([&](px::detail::buffer& out) {
    px::detail::frame_writer(out).add(kind, id, std::as_bytes(std::span(payload)));
  });
}

std::size_t resident_bytes_of(pid_t pid) {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/" + std::to_string(pid) + "/statm") >> all >> resident;
  return resident * 4096;
}

std::size_t descriptors_of(pid_t pid) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd"), fs::directory_iterator()));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(clients, scene)

BOOST_AUTO_TEST_CASE(one_that_talks_nonsense_is_hung_up_on) {
  start();
  px::connection good = px::connect(address);
  std::string const greeting = greeting_of_a_client(), open = greeting + open_of_a_client();
  using px::detail::frame_kind;
  for (std::string const& nonsense :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100'000, '\xff'), std::string(64, '\0'),
        frame_of(frame_kind::hello, 0, "hello"), frame_of(frame_kind::hello, 0, std::string(5000, 'x')),
        greeting + frame_of(frame_kind::task, 1, std::string(50, 'x')), open + open_of_a_client(),
        open + frame_of(frame_kind::task, 1, "short"), open + frame_of(frame_kind::value, 1),
        open + call_of_a_client<int, int>(0, "square", 2),
        open + call_of_a_client<int, int>(7, "square", 2) + call_of_a_client<int, int>(7, "square", 2)}) {
    own_fd const client = connected(address);
    say(client, nonsense);
    until_hung_up(client);
    BOOST_REQUIRE(good.call(square, 3) == 9);
  }
}

BOOST_AUTO_TEST_CASE(arguments_that_are_none_are_an_error_of_that_call) {
  start();
  own_fd const client = opened(address);
  px::detail::buffer arguments;  // the name and the signature, and not an int behind them
  px::portable_output_archive(arguments) << std::string("square") << std::string("int (int)") << std::uint8_t{1};
  say(client, said([&](px::detail::buffer& out) {
        px::detail::add_call(out, 1, {px::detail::name_hash("square"), px::detail::signature_fingerprint<int, int>()}, arguments);
        px::detail::add_call(out, 2, {px::detail::name_hash("square"), px::detail::signature_fingerprint<int, int>()}, {});
      }));
  std::set<std::uint64_t> failed;
  for (int i = 0; i < 2; ++i) {
    auto const answer = next_frame(client);
    BOOST_TEST(bool(answer.header.kind == px::detail::frame_kind::exception));
    failed.insert(answer.header.id);
  }
  BOOST_TEST((failed == std::set<std::uint64_t>{1, 2}));
  say(client, call_of_a_client<int, int>(3, "square", 5));
  auto const answer = next_frame(client);
  BOOST_TEST(bool(answer.header.kind == px::detail::frame_kind::value));
  BOOST_TEST(answer.payload == std::string("\x19\0\0\0", 4));
}

BOOST_AUTO_TEST_CASE(one_that_says_nothing_is_hung_up_on_after_two_seconds) {
  start();
  own_fd const silent = connected(address), half = connected(address), unopened = connected(address);
  say(half, greeting_of_a_client().substr(0, 20));
  say(unopened, greeting_of_a_client());
  px::connection good = px::connect(address);
  BOOST_TEST(good.call(square, 3) == 9);
  std::string const greeting = until_hung_up(silent);
  BOOST_TEST(greeting.size() > px::detail::frame_header::size);
  BOOST_TEST(until_hung_up(half) == greeting);
  BOOST_TEST(until_hung_up(unopened) == greeting);
  BOOST_TEST(good.call(square, 4) == 16);
}

BOOST_AUTO_TEST_CASE(one_that_never_reads_is_stopped_and_costs_the_daemon_a_bounded_memory) {
  start();
  own_fd const client = opened(address);
  px::connection good = px::connect(address);
  BOOST_TEST(good.call(square, 3) == 9);
  std::size_t const before = resident_bytes_of(pid);
  ::fcntl(client.get(), F_SETFL, O_NONBLOCK);
  std::uint64_t id = 0;
  std::string text;
  for (bool accepted = true; accepted;) {  // 10 GB of answers
    if (text.empty()) text = call_of_a_client<std::string, std::uint64_t>(++id, "zeros", 1'000'000);
    BOOST_REQUIRE(id < 10'000);
    ssize_t const n = ::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (n > 0) {
      text.erase(0, static_cast<std::size_t>(n));
      continue;
    }
    pollfd room{client.get(), POLLOUT, 0};
    accepted = ::poll(&room, 1, 300) > 0;  // the daemon does not read any more
  }
  for (int i = 20; i < 120; ++i) BOOST_REQUIRE(good.call(square, i) == i * i);
  if (!processes::address_sanitized) BOOST_TEST(resident_bytes_of(pid) - before < std::size_t{300} << 20);
}

BOOST_AUTO_TEST_CASE(one_that_stops_in_the_midst_of_a_frame_holds_up_nobody) {
  start();
  own_fd const half = opened(address);
  std::string const call = call_of_a_client<std::string, std::string>(1, "doubled", std::string(100'000, 'x'));
  say(half, std::string_view(call).substr(0, call.size() / 2));
  px::connection good = px::connect(address);
  for (int i = 20; i < 120; ++i) BOOST_REQUIRE(good.call(square, i) == i * i);
  say(half, std::string_view(call).substr(call.size() / 2));
  BOOST_TEST(next_frame(half).header.length == 200'008u);
}

BOOST_AUTO_TEST_CASE(one_that_says_it_is_done_gets_its_answers_before_it_is_hung_up_on) {
  start();
  own_fd const client = opened(address);
  std::string calls;
  for (std::uint64_t id = 1; id <= 100; ++id) calls += call_of_a_client<int, int>(id, "square", static_cast<int>(id) + 20);
  say(client, calls + frame_of(px::detail::frame_kind::end, 0));
  ::shutdown(client.get(), SHUT_WR);
  std::uint64_t values = 0;
  while (values < 100) {
    auto const f = next_frame(client);
    if (f.header.kind == px::detail::frame_kind::values) values += (f.header.id >> 48) + 1;
    if (f.header.kind == px::detail::frame_kind::value) ++values;
  }
  BOOST_TEST(until_hung_up(client).empty());
}

BOOST_AUTO_TEST_CASE(of_one_that_is_killed_nothing_more_is_begun) {
  start({.workers = 1});
  std::string const go = file("go"), notes = file("notes"), begun = file("begun");
  pid_t const child = ::fork();
  if (child == 0) {
    px::connection c = px::connect(address);
    std::vector<std::pair<std::string, int>> const rest(50, std::pair(notes, 1));
    std::jthread const first([&] { (void)c.call(wait_or_stop, begun, go); });
    while (!fs::exists(begun)) look_again();
    for (int r : c.pmap(noted, rest)) (void)r;
    ::_exit(0);
  }
  wait_until("begun");
  px::connection good = px::connect(address);
  std::size_t const open = descriptors_of(pid);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (descriptors_of(pid) >= open) look_again();  // the daemon has noticed
  make("go");
  BOOST_TEST(good.call(square, 3) == 9);  // behind what the worker had
  BOOST_TEST(good.call(square, 4) == 16);
  BOOST_TEST(background_scene::text_of(notes).size() <= 2 * 3u);
  fs::remove(notes);
  take("go"), take("begun");
}

BOOST_AUTO_TEST_CASE(a_thousand_at_once_each_get_their_own) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  int const count = processes::sanitized ? 100 : 1000;
  start();
  std::vector<own_fd> all;
  for (int i = 0; i < count; ++i) all.push_back(connected(address));
  std::string calls = greeting_of_a_client() + open_of_a_client();
  for (std::uint64_t id = 1; id <= 20; ++id) calls += call_of_a_client<int, int>(id, "square", static_cast<int>(id) + 20);
  for (own_fd const& client : all) say(client, calls + frame_of(px::detail::frame_kind::end, 0));
  std::string first;
  for (own_fd const& client : all) {
    std::string const answers = until_hung_up(client);
    for (int i = 21; i <= 40; ++i) {
      int const value = i * i;
      BOOST_REQUIRE(answers.find(std::string(reinterpret_cast<char const*>(&value), sizeof value)) != std::string::npos);
    }
  }
  BOOST_TEST(px::connect(address).call(square, 5) == 25);
}

BOOST_AUTO_TEST_CASE(clients_that_come_and_go_leave_nothing_behind) {
  start();
  (void)px::connect(address).call(square, 5);
  px::connection good = px::connect(address);
  BOOST_TEST(good.call(square, 3) == 9);
  std::size_t const open = descriptors_of(pid), memory = resident_bytes_of(pid);
  for (int i = 0; i < 500; ++i) {
    px::connection c = px::connect(address, {.reconnect = std::chrono::seconds(1)});
    BOOST_REQUIRE(c.call(square, 20 + i) == (20 + i) * (20 + i));
    own_fd const rude = connected(address);
    say(rude, "x");
  }
  while (descriptors_of(pid) > open) {
    BOOST_REQUIRE(good.call(square, 3) == 9);
    look_again();
  }
  BOOST_TEST(descriptors_of(pid) == open);
  if (!processes::address_sanitized) BOOST_TEST(resident_bytes_of(pid) < memory + (std::size_t{8} << 20));
}

BOOST_AUTO_TEST_CASE(those_of_another_user_are_not_heard) {
  if (::geteuid() != 0) return;  // who is not root can be nobody else
  start();
  BOOST_TEST(heard_by_another_user() == "");
  BOOST_TEST(px::connect(address).call(square, 3) == 9);
}

BOOST_AUTO_TEST_CASE(in_a_forked_child_a_connection_is_inert) {
  start();
  px::connection c = px::connect(address);
  BOOST_TEST(code_of_fork([&] {
    try {
      c.call(square, 3);
    } catch (px::error const& e) {
      return e.code() == px::errc::foreign_process ? 0 : 2;
    }
    return 1;
  }) == 0);
  BOOST_TEST(c.call(square, 3) == 9);
}

BOOST_AUTO_TEST_SUITE_END()
