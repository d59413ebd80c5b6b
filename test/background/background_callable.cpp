#define BOOST_TEST_MODULE background_callable
#include <procx/background/background_callable.hpp>
#include <procx/background/background_queue.hpp>
#include <procx/channel/start.hpp>

#include "support/background_scene.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace px = procx;
namespace fs = std::filesystem;
using namespace background_scene;
using namespace processes;

namespace {

bool dies_before_it_listens = false;

int square(int n) { return n * n; }

template <class T>
std::vector<T> all_of(fs::path const& address) {
  std::vector<T> all;
  px::background_queue<T> results(address);
  for (T& r : results) all.push_back(std::move(r));
  return all;
}

px::background_callable<px::parallel_function<int (*)(int)>> squares(fs::path const& address) {
  return {address, px::make_parallel(square)};
}

/// Whether it throws connection_error with this code.
template <class F>
bool refused(int code, F const& start) {
  try {
    start();
  } catch (px::connection_error const& e) {
    BOOST_TEST(e.code().value() == code, e.what());
    return true;
  }
  return false;
}

struct surroundings {
  std::string folder;
  int mask;
  bool has_terminal;
  bool reads_nothing;
  pid_t session;
  pid_t parent;
};

}  // namespace

extern "C" int listen(int fd, int backlog) noexcept {
  if (dies_before_it_listens) {
    if (::write(STDERR_FILENO, "last words", 10) != 10) ::_exit(1);
    ::_exit(42);
  }
  return reinterpret_cast<int (*)(int, int)>(::dlsym(RTLD_NEXT, "listen"))(fd, backlog);
}

BOOST_FIXTURE_TEST_SUITE(background_callables, scene)

BOOST_AUTO_TEST_CASE(a_plain_function_gives_one_value) {
  squares(address)(7);
  BOOST_TEST(all_of<int>(address) == std::vector{49});
}

BOOST_AUTO_TEST_CASE(it_can_be_met_as_soon_as_it_was_started) {
  for (int i = 0; i < 200; ++i) {
    pid_t const pid = squares(address)(i);
    BOOST_REQUIRE(all_of<int>(address) == std::vector{i * i});
    BOOST_REQUIRE(!fs::exists(address));
    BOOST_REQUIRE(observe::has_ended(pid));
  }
}

BOOST_AUTO_TEST_CASE(it_outlives_its_maker) {
  BOOST_TEST(code_of_fork([&] { return squares(address)(3), 0; }) == 0);
  BOOST_TEST(all_of<int>(address) == std::vector{9});
}

BOOST_AUTO_TEST_CASE(it_outlives_the_thread_and_the_worker_that_started_it) {
  std::thread([&] { squares(address)(4); }).join();
  BOOST_TEST(all_of<int>(address) == std::vector{16});

  px::channel worker = px::start([&](px::channel&) { squares(address)(5); });
  BOOST_TEST(worker.wait().success());  // what is left of its group is killed then
  BOOST_TEST(all_of<int>(address) == std::vector{25});
}

BOOST_AUTO_TEST_CASE(it_computes_though_nobody_is_connected) {
  own_pipe done;
  px::background_callable job(address, [&](px::channel& up) {
    for (int i = 0; i < 100'000; ++i) up.send(i);
    if (::write(done.write.get(), "d", 1) != 1) ::_exit(1);
  });
  job();
  BOOST_TEST(read_exactly(done.read.get(), 1) == "d");
  int expected = 0;
  px::background_queue<int> results(address);
  for (int r : results) BOOST_REQUIRE(r == expected++);
  BOOST_TEST(expected == 100'000);
}

BOOST_AUTO_TEST_CASE(it_has_nothing_of_its_maker_but_a_copy_of_its_memory) {
  px::background_callable job(address, px::make_parallel([] {
    mode_t const mask = ::umask(0);
    ::umask(mask);
    char nothing;
    return surroundings{fs::current_path(),       static_cast<int>(mask),
                        own_fd(::open("/dev/tty", O_RDWR)).get() >= 0, ::read(STDIN_FILENO, &nothing, 1) == 0,
                        ::getsid(0),              ::getppid()};
  }));
  pid_t const pid = job();
  BOOST_TEST(observe::parent_of(pid) != ::getpid());
  BOOST_TEST(::getsid(pid) == pid);
  auto const there = all_of<surroundings>(address);
  BOOST_REQUIRE(there.size() == 1u);
  BOOST_TEST(there[0].folder == "/");
  BOOST_TEST(there[0].mask == 077);
  BOOST_TEST(!there[0].has_terminal);
  BOOST_TEST(there[0].reads_nothing);
  BOOST_TEST(there[0].session == pid);
  BOOST_TEST(there[0].parent == pid);
}

BOOST_AUTO_TEST_CASE(what_it_writes_is_in_a_log_that_stays) {
  px::background_callable job(address, px::make_parallel([] {
    std::cout << "out" << std::endl;
    std::cerr << "err" << std::endl;
    return 1;
  }));
  job();
  all_of<int>(address);
  std::string const log = text_of(file(".log"));
  BOOST_TEST(log.find("out\n") != log.npos);
  BOOST_TEST(log.find("err\n") != log.npos);
  fs::remove(file(".log"));
}

BOOST_AUTO_TEST_CASE(one_that_dies_before_it_listens_is_an_error_of_the_call) {
  dies_before_it_listens = true;
  try {
    squares(address)(1);
    BOOST_TEST(false);
  } catch (px::process_died const& e) {
    BOOST_TEST(e.status().code() == 42);
    BOOST_TEST(e.stderr_tail() == "last words");
  }
  dies_before_it_listens = false;
  squares(address)(2);  // the address is free, and what was left there is not in the way
  BOOST_TEST(all_of<int>(address) == std::vector{4});
  fs::remove(file(".log"));
}

BOOST_AUTO_TEST_CASE(nobody_else_may_connect) {
  squares(address)(1);
  struct stat s {};
  BOOST_TEST(::stat(address.c_str(), &s) == 0);
  BOOST_TEST((s.st_mode & 0777) == 0600u);
  all_of<int>(address);
}

BOOST_AUTO_TEST_CASE(one_that_lives_is_not_replaced) {
  squares(address)(1);
  BOOST_TEST(refused(EADDRINUSE, [&] { squares(address)(2); }));
  BOOST_TEST(all_of<int>(address) == std::vector{1});
  squares(address)(3);
  BOOST_TEST(all_of<int>(address) == std::vector{9});
}

BOOST_AUTO_TEST_CASE(one_that_was_killed_is_replaced) {
  for (int i = 0; i < 50; ++i) {
    pid_t const pid = squares(address)(1);
    ::kill(pid, SIGKILL);  // it may be just forking
    BOOST_REQUIRE(observe::has_ended(pid));
    BOOST_REQUIRE(fs::exists(address));
  }
  squares(address)(2);
  BOOST_TEST(all_of<int>(address) == std::vector{4});
}

BOOST_AUTO_TEST_CASE(an_address_may_be_relative) {
  fs::path const before = fs::current_path();
  fs::current_path(folder);
  squares("job.sock")(3);
  BOOST_TEST(all_of<int>("job.sock") == std::vector{9});
  fs::current_path(before);
}

BOOST_AUTO_TEST_CASE(what_is_no_socket_of_a_background_process_is_left_alone) {
  std::ofstream(address) << "text";
  BOOST_TEST(refused(EEXIST, [&] { squares(address)(1); }));
  BOOST_TEST(text_of(address) == "text");
  fs::remove(address);
  fs::create_directory(address);
  BOOST_TEST(refused(EEXIST, [&] { squares(address)(1); }));
  fs::remove(address);

  own_fd const other(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  std::strncpy(a.sun_path, address.c_str(), sizeof a.sun_path - 1);
  BOOST_REQUIRE(::bind(other.get(), reinterpret_cast<sockaddr const*>(&a), sizeof a) == 0);
  BOOST_REQUIRE(::listen(other.get(), 1) == 0);
  BOOST_TEST(refused(EADDRINUSE, [&] { squares(address)(1); }));
  BOOST_TEST(fs::exists(address));
  fs::remove(address);
}

BOOST_AUTO_TEST_CASE(of_two_that_start_at_once_one_wins_and_the_other_says_so) {
  for (int i = 0; i < 25; ++i) {
    observe::shared<int> won, lost;
    observe::gate go;
    std::vector<pid_t> starters;
    for (int k = 0; k < 2; ++k) {
      pid_t const pid = ::fork();
      if (pid == 0) {
        go.wait();
        try {
          squares(address)(5);
          __atomic_fetch_add(&*won, 1, __ATOMIC_SEQ_CST);
        } catch (px::connection_error const&) {
          __atomic_fetch_add(&*lost, 1, __ATOMIC_SEQ_CST);
        }
        ::_exit(0);
      }
      starters.push_back(pid);
    }
    go.open();
    for (pid_t const pid : starters) ::waitpid(pid, nullptr, 0);
    BOOST_REQUIRE(*won == 1);
    BOOST_REQUIRE(*lost == 1);
    BOOST_REQUIRE(all_of<int>(address) == std::vector{25});
  }
}

BOOST_AUTO_TEST_CASE(paths_may_be_longer_than_the_address_of_a_socket) {
  fs::path const deep = folder / std::string(200, 'd');
  fs::create_directory(deep);
  fs::path const longest = deep / std::string(200, 's');
  squares(longest)(6);
  BOOST_TEST(all_of<int>(longest) == std::vector{36});
  BOOST_TEST(fs::is_empty(deep));
  fs::remove(deep);
}

BOOST_AUTO_TEST_CASE(links_are_not_followed) {
  for (char const* const suffix : {".lock", ".log"}) {
    fs::create_symlink(folder / "elsewhere", file(suffix));
    BOOST_TEST(refused(ELOOP, [&] { squares(address)(1); }));
    BOOST_TEST(!fs::exists(folder / "elsewhere"));
    fs::remove(file(suffix));
  }
  fs::create_symlink(folder / "elsewhere", address);
  BOOST_TEST(refused(EEXIST, [&] { squares(address)(1); }));
  fs::remove(address);
}

BOOST_AUTO_TEST_CASE(without_its_folder_there_is_no_address) {
  BOOST_TEST(refused(ENOENT, [&] { squares(folder / "none" / "job.sock")(1); }));
  BOOST_CHECK_THROW(squares(folder / "")(1), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_request_to_stop_ends_it_and_removes_its_files) {
  px::background_callable job(address, [](px::channel& up) {
    up.send(::getpid());
    for (;;) ::pause();
  });
  pid_t const pid = job();
  px::background_queue<pid_t> results(address);
  auto it = results.begin();
  pid_t const of_callable = *it;
  ::kill(pid, SIGTERM);
  BOOST_TEST(observe::has_ended(pid));
  BOOST_TEST(observe::has_ended(of_callable));
  ++it;
  BOOST_CHECK_THROW(*it, px::connection_error);
}

BOOST_AUTO_TEST_CASE(one_that_lingers_tells_those_who_come_late_that_all_is_taken) {
  px::background_callable job(address, px::make_parallel([](int n) { return n; }), {.linger = std::chrono::hours(1)});
  pid_t const pid = job(7);
  BOOST_TEST(all_of<int>(address) == std::vector{7});
  for (int i = 0; i < 3; ++i) BOOST_TEST(all_of<int>(address).empty());
  ::kill(pid, SIGTERM);
  BOOST_TEST(observe::has_ended(pid));
}

BOOST_AUTO_TEST_CASE(one_that_lingers_ends_when_nobody_has_come_for_its_time) {
  px::background_callable job(address, px::make_parallel([](int n) { return n; }), {.linger = std::chrono::milliseconds(50)});
  pid_t const pid = job(7);
  BOOST_TEST(all_of<int>(address) == std::vector{7});
  BOOST_TEST(observe::has_ended(pid));
}

BOOST_AUTO_TEST_CASE(results_that_nobody_takes_in_time_expire) {
  px::background_callable job(address, px::make_parallel([](int n) { return n; }), {.expires = std::chrono::milliseconds(50)});
  pid_t const pid = job(7);
  BOOST_TEST(observe::has_ended(pid));
  BOOST_TEST(!fs::exists(address));
}

BOOST_AUTO_TEST_CASE(who_holds_a_result_when_it_expires_learns_that_others_are_lost) {
  px::background_callable job(
      address,
      [](px::channel& up) {
        for (int i = 0; i < 1000; ++i) up.send(i);
      },
      {.expires = std::chrono::milliseconds(100)});
  pid_t const pid = job();
  px::background_queue<int> results(address);
  auto it = results.begin();
  BOOST_TEST(*it == 0);
  BOOST_TEST(observe::has_ended(pid));
  auto const take_all = [&] {
    for (; it != results.end(); ++it) static_cast<void>(*it);
  };
  BOOST_CHECK_THROW(take_all(), px::connection_error);
}

BOOST_AUTO_TEST_SUITE_END()
