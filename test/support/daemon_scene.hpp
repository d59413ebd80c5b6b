// A folder with a daemon that serves a few functions, and nothing is left of it at the end. For one source of a program.
#pragma once

#include "support/background_scene.hpp"

#include "daemon/call_frames.hpp"
#include "endpoint/handshake.hpp"

#include <procx/daemon/connection.hpp>
#include <procx/daemon/daemon.hpp>
#include <procx/dispatch/stop_requested.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

namespace daemon_scene {

namespace px = procx;
namespace fs = std::filesystem;
using processes::own_fd;

inline int square(int n) {
  if (n == 13) ::abort();
  if (n < 0) throw std::domain_error("negative");
  return n * n;
}
inline std::string doubled(std::string const& text) { return text + text; }
inline int sum(int a, int b) { return a + b; }
inline std::string zeros(std::uint64_t count) { return std::string(count, '0'); }
inline pid_t worker() { return ::getpid(); }

/// Appends a line to the file, so that tests can see how often it was called.
inline void note(std::string const& file, std::string const& line) {
  int const fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  std::string const text = line + '\n';
  if (::write(fd, text.data(), text.size()) < 0) ::abort();
  ::close(fd);
}
inline int noted(std::string const& file, int n) {
  note(file, std::to_string(n));
  return n;
}

inline void look_again() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }
/// Until there is such a file.
inline void wait_for(std::string const& file) {
  while (!fs::exists(file)) look_again();
}
/// The same; says by another file that it has begun, and returns true if it was asked to stop.
inline bool wait_or_stop(std::string const& begun, std::string const& file) {
  note(begun, "begun");
  while (!fs::exists(file) && !px::stop_requested()) look_again();
  return px::stop_requested();
}

PROCX_TASK(square);
PROCX_TASK(doubled);
PROCX_TASK(sum);
PROCX_TASK(zeros);
PROCX_TASK(worker);
PROCX_TASK(noted);
PROCX_TASK_AS(wait_for, "wait for");
PROCX_TASK(wait_or_stop);

struct scene : background_scene::scene {
  pid_t pid = 0;

  void start(px::daemon_options options = {}) {
    if (!options.workers.is_here() && options.workers.resolve(1000) == 1000) options.workers = 2;
    pid = px::start_daemon(address, options);
  }
  void stop() {
    px::stop_daemon(address);
    pid = 0;
  }
  std::string file(char const* name) const { return (folder / name).string(); }
  void make(char const* name) const { note(file(name), ""); }
  std::string take(char const* name) const {
    std::string text = background_scene::text_of(folder / name);
    fs::remove(folder / name);
    return text;
  }
  /// Until the file is there.
  void wait_until(char const* name) const {
    while (!fs::exists(folder / name)) look_again();
  }

  void teardown() const {
    if (pid) {
      px::stop_daemon(address);
      BOOST_TEST(observe::has_ended(pid));
    }
    background_scene::scene::teardown();
  }
};

inline void say(own_fd const& socket, std::string_view text) {
  while (!text.empty()) {
    ssize_t const n = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    BOOST_REQUIRE(n > 0);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

template <class Write>
std::string said(Write write) {
  px::detail::buffer out;
  write(out);
  return {reinterpret_cast<char const*>(out.data()), out.size()};
}
inline std::string greeting_of_a_client() {
  return said([](px::detail::buffer& out) {
    px::detail::handshake(px::detail::greeting::own(0, 1 << 20), px::detail::handshake::demand::protocol).write(out);
  });
}
inline std::string open_of_a_client(px::detail::session_token const& token = {}) {
  return said([&](px::detail::buffer& out) { px::detail::add_open(out, token); });
}
template <class R, class... A>
std::string call_of_a_client(std::uint64_t id, std::string_view name, std::type_identity_t<A> const&... arguments) {
  auto const call = px::detail::encoded_call::of<R, A...>(name, arguments...);
  return said([&](px::detail::buffer& out) {
    px::detail::add_call(out, id, {call.get().name, call.get().fingerprint}, call.get().bytes);
  });
}

}  // namespace daemon_scene
