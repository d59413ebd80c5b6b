#define BOOST_TEST_MODULE descriptor
#include "system/descriptor.hpp"

#include "process/fork.hpp"
#include "support/processes.hpp"
#include "system/generation.hpp"
#include "system/io.hpp"

#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>

using namespace procx::detail;
using namespace processes;

namespace {

int code_of_created(fork_plan const& plan, std::function<int()> const& body) {
  return fork_process(plan, body)->wait_until(std::nullopt)->code();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(descriptors)

BOOST_AUTO_TEST_CASE(the_soft_limit_is_raised_to_the_hard_one) {
  BOOST_TEST(code_of_fork([] {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 64;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    raise_descriptor_limit();
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur == limit.rlim_max ? 0 : 1;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(a_created_process_keeps_only_what_is_meant_for_it) {
  std::vector<std::pair<descriptor, descriptor>> pipes;
  for (int i = 0; i < 50; ++i) pipes.push_back(make_pipe());
  auto sockets = make_socket_pair(SOCK_STREAM);
  descriptor self = open_pidfd(::getpid());
  std::array<descriptor*, 2> const keep{&pipes[3].first, &pipes[40].second};
  BOOST_TEST(code_of_created({.keep = keep}, [&] {
    for (std::size_t i = 0; i < pipes.size(); ++i) {
      CHILD_CHECK(is_open(pipes[i].first.get()) == (i == 3));
      CHILD_CHECK(is_open(pipes[i].second.get()) == (i == 40));
    }
    CHILD_CHECK(!is_open(sockets.first.get()) && !is_open(sockets.second.get()) && !is_open(self.get()));
    return 0;
  }) == 0);
  BOOST_TEST(is_open(pipes[0].first.get()));
  BOOST_TEST(is_open(pipes[40].second.get()));
}

BOOST_AUTO_TEST_CASE(what_it_keeps_it_closes_and_what_it_inherited_it_leaves_alone) {
  auto ends = make_pipe();
  auto other = make_pipe();
  std::array<descriptor*, 1> const keep{&ends.second};
  BOOST_TEST(code_of_created({.keep = keep}, [&] {
    int const number = other.first.get();
    int const mine = ::open("/dev/null", O_RDONLY | O_CLOEXEC);  // takes a number that the parent uses for its pipe
    CHILD_CHECK(::dup2(mine, number) == number);
    other.first.close();
    CHILD_CHECK(is_open(number));
    int const kept = ends.second.get();
    ends.second.close();
    CHILD_CHECK(!is_open(kept));
    return 0;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(the_users_own_descriptors_stay_open) {
  own_pipe mine;
  BOOST_TEST(code_of_created({}, [&] { return is_open(mine.read.get()) && is_open(mine.write.get()) ? 0 : 1; }) == 0);
}

BOOST_AUTO_TEST_CASE(a_process_created_by_a_created_one_keeps_nothing_of_either) {
  auto first = make_pipe();
  std::array<descriptor*, 1> const keep{&first.second};
  BOOST_TEST(code_of_created({.keep = keep}, [&] {
    auto second = make_pipe();
    return code_of_created({}, [&] {
      bool const none = !is_open(first.first.get()) && !is_open(first.second.get()) && !is_open(second.first.get()) &&
                        !is_open(second.second.get());
      return none ? 0 : 1;
    });
  }) == 0);
}

BOOST_AUTO_TEST_CASE(all_are_closed_on_exec) {
  auto pipe = make_pipe();
  auto sockets = make_socket_pair(SOCK_SEQPACKET);
  descriptor self = open_pidfd(::getpid());
  for (descriptor const* d : {&pipe.first, &pipe.second, &sockets.first, &sockets.second, &self})
    BOOST_TEST((::fcntl(d->get(), F_GETFD) & FD_CLOEXEC) != 0);
}

BOOST_AUTO_TEST_CASE(a_copy_in_a_users_own_fork_closes_nothing) {
  auto ends = make_pipe();
  BOOST_TEST(code_of_fork([&] {
    int const number = ends.first.get();
    descriptor(std::move(ends.first));
    return is_open(number) ? 0 : 1;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(moving_hands_over_and_closes_what_was_there) {
  auto a = make_pipe();
  auto b = make_pipe();
  int const old = a.first.get(), other = b.first.get();
  a.first = std::move(b.first);
  BOOST_TEST(!is_open(old));
  BOOST_TEST(is_open(other));
  BOOST_TEST(a.first.get() == other);
  BOOST_TEST(!b.first);
}

BOOST_AUTO_TEST_CASE(a_program_whose_standard_streams_are_closed_gets_none_of_their_numbers) {
  BOOST_TEST(code_of_fork([] {
    for (int fd : {0, 1, 2}) ::close(fd);
    auto pipe = make_pipe();
    auto sockets = make_socket_pair(SOCK_STREAM);
    descriptor self = open_pidfd(::getpid());
    for (descriptor const* d : {&pipe.first, &pipe.second, &sockets.first, &sockets.second, &self})
      if (d->get() <= 2 || !(::fcntl(d->get(), F_GETFD) & FD_CLOEXEC)) return 1;
    return is_open(0) || is_open(1) || is_open(2) ? 2 : 0;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_cannot_be_made_is_a_system_error) {
  if (address_sanitized) return;  // its checks need descriptors themselves
  BOOST_TEST(code_of_fork([] {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    int caught = 0;
    for (auto const& make : {std::function<void()>([] { make_pipe(); }),
                             std::function<void()>([] { make_socket_pair(SOCK_STREAM); }),
                             std::function<void()>([] { open_pidfd(::getpid()); })})
      try {
        make();
      } catch (boost::system::system_error const& e) {
        caught += e.code() == boost::system::errc::too_many_files_open;
      }
    return caught == 3 ? 0 : 1;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(a_fork_while_others_make_descriptors_inherits_none_of_them) {
  constexpr int looked_at = 200;
  std::array<bool, looked_at> before{};
  for (int fd = 0; fd < looked_at; ++fd) before[static_cast<std::size_t>(fd)] = is_open(fd);
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) {
      auto pipe = make_pipe();
      auto sockets = make_socket_pair(SOCK_STREAM);
    }
  });
  int bad = 0;
  for (int i = 0; i < (sanitized ? 20 : 100); ++i)
    bad += code_of_created({.capture_stderr = false}, [&] {
      for (int fd = 3; fd < looked_at; ++fd)
        if (is_open(fd) && !before[static_cast<std::size_t>(fd)]) return 1;
      return 0;
    }) != 0;
  stop = true;
  busy.join();
  BOOST_TEST(bad == 0);
}

BOOST_AUTO_TEST_SUITE_END()
