#define BOOST_TEST_MODULE io
#include "system/io.hpp"

#include "support/processes.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>

using namespace procx::detail;
using namespace processes;
using namespace std::chrono_literals;

namespace {

auto bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

sigset_t only(int signal) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  return set;
}

bool is_pending(int signal) {
  sigset_t set;
  ::sigpending(&set);
  return ::sigismember(&set, signal) == 1;
}

bool is_blocked(int signal) {
  sigset_t set;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &set);
  return ::sigismember(&set, signal) == 1;
}

using writer = io_result (*)(int, std::span<iovec const>) noexcept;
constexpr std::array<writer, 2> writers{&write_some, &write_with_signal_blocked};

/// Writes where nobody reads.
io_result write_in_vain(writer write) {
  own_pipe pipe;
  pipe.read.close();
  char text[] = "in vain";
  iovec const part{text, sizeof text};
  return write(pipe.write.get(), std::span(&part, 1));
}

std::atomic<int> signals_seen = 0;
void count_signal(int) { ++signals_seen; }

}  // namespace

BOOST_AUTO_TEST_SUITE(io)

BOOST_DATA_TEST_CASE(writing_where_nobody_reads_is_an_end_and_no_signal, writers, write) {
  struct sigaction counted {}, before {};
  counted.sa_handler = count_signal;
  ::sigaction(SIGPIPE, &counted, &before);
  signals_seen = 0;
  io_result const r = write_in_vain(write);
  ::sigaction(SIGPIPE, &before, nullptr);
  BOOST_TEST(r.end);
  BOOST_TEST(!r.error);
  BOOST_TEST(r.bytes == 0u);
  BOOST_TEST(signals_seen == 0);
  BOOST_TEST(!is_blocked(SIGPIPE));
  BOOST_TEST(code_of_fork([&] {
    ::signal(SIGPIPE, SIG_DFL);
    return write_in_vain(write).end ? 0 : 1;
  }) == 0);
}

BOOST_DATA_TEST_CASE(a_user_who_has_blocked_sigpipe_finds_none_of_ours_pending, writers, write) {
  sigset_t const pipe = only(SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  BOOST_TEST(write_in_vain(write).end);
  BOOST_TEST(!is_pending(SIGPIPE));
  BOOST_TEST(is_blocked(SIGPIPE));
  ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
}

BOOST_DATA_TEST_CASE(a_sigpipe_of_the_users_own_stays_pending, writers, write) {
  sigset_t const pipe = only(SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  ::raise(SIGPIPE);
  BOOST_TEST(write_in_vain(write).end);
  BOOST_TEST(is_pending(SIGPIPE));
  timespec const at_once{};
  BOOST_TEST(::sigtimedwait(&pipe, nullptr, &at_once) == SIGPIPE);
  ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
}

BOOST_AUTO_TEST_CASE(a_socket_whose_peer_is_gone_is_at_its_end) {
  int ends[2];
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  own_fd here(ends[0]), there(ends[1]);
  BOOST_TEST(write_some(there.get(), bytes_of("x")).bytes == 1u);
  here.close();  // with a byte unread: the other side meets a reset
  std::array<std::byte, 4> room;
  BOOST_TEST(read_some(there.get(), room).end);
  BOOST_TEST(write_some(there.get(), bytes_of("x")).end);
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_in_several_parts_at_once) {
  own_pipe pipe;
  std::string one = "one ", two = "two";
  std::array<iovec, 2> const parts{{{one.data(), one.size()}, {two.data(), two.size()}}};
  BOOST_TEST(write_some(pipe.write.get(), std::span<iovec const>(parts)).bytes == 7u);
  std::array<std::byte, 16> room;
  io_result const r = read_some(pipe.read.get(), room);
  BOOST_TEST(std::string(reinterpret_cast<char const*>(room.data()), r.bytes) == "one two");
}

BOOST_AUTO_TEST_CASE(what_would_block_and_what_is_over_are_told_apart) {
  own_pipe pipe;
  ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK);
  std::array<std::byte, 16> room;
  BOOST_TEST(read_some(pipe.read.get(), room).would_block);
  std::vector<std::byte> const much(1 << 20);
  io_result const part = write_some(pipe.write.get(), much);
  BOOST_TEST(part.bytes > 0u);
  BOOST_TEST(part.bytes < much.size());
  BOOST_TEST(write_some(pipe.write.get(), much).would_block);
  pipe.write.close();
  io_result last;
  while (!(last = read_some(pipe.read.get(), room)).end) BOOST_REQUIRE(last.bytes > 0u);
  BOOST_TEST(read_some(-1, room).error == boost::system::errc::bad_file_descriptor);
  BOOST_TEST(write_some(-1, much).error == boost::system::errc::bad_file_descriptor);
}

BOOST_AUTO_TEST_CASE(polling_ends_at_the_deadline_and_passes_over_what_is_no_descriptor) {
  own_pipe pipe;
  std::array<pollfd, 2> fds{{{-1, POLLIN, 0}, {pipe.read.get(), POLLIN, 0}}};
  auto const start = std::chrono::steady_clock::now();
  BOOST_TEST(!poll_until(fds, start + 20ms));
  BOOST_TEST((std::chrono::steady_clock::now() - start >= 20ms));
  BOOST_TEST(!poll_until(fds, start));  // long past
  BOOST_TEST(write_some(pipe.write.get(), bytes_of("x")).bytes == 1u);
  BOOST_TEST(poll_until(fds, std::nullopt));
  BOOST_TEST(fds[1].revents == POLLIN);
  BOOST_TEST(poll_until(fds, start));
}

BOOST_AUTO_TEST_CASE(signals_interrupt_neither_polling_nor_reading) {
  struct sigaction counted {}, before {};
  counted.sa_handler = count_signal;  // without SA_RESTART
  ::sigaction(SIGALRM, &counted, &before);
  signals_seen = 0;
  itimerval const often{{0, 2000}, {0, 2000}};
  ::setitimer(ITIMER_REAL, &often, nullptr);

  own_pipe pipe;
  pollfd fd{pipe.read.get(), POLLIN, 0};
  auto const start = std::chrono::steady_clock::now();
  BOOST_TEST(!poll_until(std::span(&fd, 1), start + 50ms));
  BOOST_TEST((std::chrono::steady_clock::now() - start >= 50ms));

  std::thread writer([&, seen = signals_seen.load()] {
    sigset_t const alarm = only(SIGALRM);
    ::pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
    while (signals_seen < seen + 5) std::this_thread::yield();  // the reader has been interrupted several times
    write_some(pipe.write.get(), bytes_of("x"));
  });
  std::array<std::byte, 4> room;
  BOOST_TEST(read_some(pipe.read.get(), room).bytes == 1u);
  writer.join();

  itimerval const never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
