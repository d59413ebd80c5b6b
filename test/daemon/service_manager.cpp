// Daemons that a service manager runs: its socket, and what it is told. The manager is this test.
#define BOOST_TEST_MODULE service_manager
#include "support/daemon_scene.hpp"

#include <procx/error/exceptions.hpp>

#include <cstdlib>
#include <functional>

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

using namespace daemon_scene;
using processes::own_fd;

namespace {

own_fd bound(int type, fs::path const& path) {
  own_fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  std::strncpy(a.sun_path, path.c_str(), sizeof a.sun_path - 1);
  BOOST_REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr const*>(&a), sizeof a) == 0);
  return socket;
}
own_fd listening(fs::path const& path) {
  own_fd socket = bound(SOCK_STREAM, path);
  BOOST_REQUIRE(::listen(socket.get(), 100) == 0);
  return socket;
}

struct managed : scene {
  own_fd news = bound(SOCK_DGRAM, folder / "news");
  pid_t service = 0;

  ~managed() { fs::remove(folder / "news"); }

  /// Starts a process that runs a daemon, with this descriptor as number 3 if there is one. Its exit code is 0, or 2 after a
  /// connection_error.
  void run(int passed, std::string const& path, std::function<void()> const& more = nullptr) {
    service = ::fork();
    if (service != 0) return;
    int code = 1;
    try {
      ::setenv("NOTIFY_SOCKET", (folder / "news").c_str(), 1);
      if (passed >= 0) {
        if (passed != 3) ::dup2(passed, 3);
        ::fcntl(3, F_SETFD, 0);
        ::setenv("LISTEN_FDS", "1", 1);
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
      }
      if (more) more();
      px::run_daemon(path, {.workers = 1});
      code = std::getenv("NOTIFY_SOCKET") || std::getenv("LISTEN_FDS") ? 3 : 0;
    } catch (px::connection_error const&) {
      code = 2;
    } catch (...) {
    }
    ::_exit(code);
  }
  int code() {
    int status = 0;
    ::waitpid(service, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  /// The next news.
  std::string told() const {
    char text[512];
    if (!processes::readable(news.get())) return "";
    ssize_t const n = ::recv(news.get(), text, sizeof text, 0);
    return std::string(text, n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  void teardown() {
    news.close();
    fs::remove(folder / "news");
    scene::teardown();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(managers, managed)

BOOST_AUTO_TEST_CASE(a_socket_that_was_passed_is_served_and_stays_the_managers) {
  own_fd listener = listening(address);
  own_fd const early = background_scene::connected(address);  // before there is a daemon
  run(listener.get(), "");
  BOOST_TEST(told() == "READY=1");
  say(early, greeting_of_a_client() + open_of_a_client() + call_of_a_client<int, int>(1, "square", 3));
  BOOST_TEST(processes::readable(early.get()));
  BOOST_TEST(px::connect(address).call(square, 8) == 64);
  ::kill(service, SIGTERM);
  BOOST_TEST(told() == "STOPPING=1");
  BOOST_TEST(code() == 0);
  BOOST_TEST(fs::exists(address));
  run(listener.get(), "");  // the next one
  BOOST_TEST(told() == "READY=1");
  BOOST_TEST(px::connect(address).call(square, 9) == 81);
  px::stop_daemon(address);
  BOOST_TEST(code() == 0);
  fs::remove(address);
}

BOOST_AUTO_TEST_CASE(without_a_socket_it_makes_its_own) {
  run(-1, address.string());
  BOOST_TEST(told() == "READY=1");
  BOOST_TEST(px::connect(address).call(square, 8) == 64);
  px::stop_daemon(address);
  BOOST_TEST(told() == "STOPPING=1");
  BOOST_TEST(code() == 0);
  BOOST_TEST(!fs::exists(address));
}

BOOST_AUTO_TEST_CASE(a_watchdog_is_fed) {
  run(-1, address.string(), [] { ::setenv("WATCHDOG_USEC", "20000", 1); });
  BOOST_TEST(told() == "READY=1");
  for (int i = 0; i < 5; ++i) BOOST_TEST(told() == "WATCHDOG=1");
  ::kill(service, SIGINT);
  BOOST_TEST(code() == 0);
}

BOOST_AUTO_TEST_CASE(what_is_for_another_process_is_left_alone) {
  run(-1, address.string(), [] {
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_PID", "1", 1);
    ::setenv("WATCHDOG_PID", "1", 1);
    ::setenv("WATCHDOG_USEC", "1000", 1);
  });
  BOOST_TEST(told() == "READY=1");
  BOOST_TEST(px::connect(address).call(square, 8) == 64);
  px::stop_daemon(address);
  BOOST_TEST(told() == "STOPPING=1");
  BOOST_TEST(code() == 0);
}

BOOST_AUTO_TEST_CASE(what_is_no_listening_socket_is_refused) {
  own_fd const datagrams = bound(SOCK_DGRAM, folder / "datagrams"), silent = bound(SOCK_STREAM, folder / "silent");
  for (int const fd : {datagrams.get(), silent.get(), ::open("/dev/null", O_RDONLY | O_CLOEXEC)}) {
    run(fd, "");
    BOOST_TEST(code() == 2);
    if (fd != datagrams.get() && fd != silent.get()) ::close(fd);
  }
  own_fd const listener = listening(folder / "one");
  run(listener.get(), "", [] { ::setenv("LISTEN_FDS", "2", 1); });
  BOOST_TEST(code() == 2);
  for (char const* left : {"datagrams", "silent", "one"}) fs::remove(folder / left);
}

BOOST_AUTO_TEST_SUITE_END()
