#define BOOST_TEST_MODULE bounds
#include <procx/channel/start.hpp>

#include "channel/channel_core.hpp"
#include "support/observe.hpp"

#include <procx/detail/wire/frame.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstddef>
#include <fstream>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace px = procx;

// A process that sends without end costs its creator no more than what may be read ahead, whatever that one waits for.

namespace {

constexpr std::size_t MB = 1'000'000;
constexpr std::size_t endless = 400 * MB;
constexpr std::size_t bounded = 200 * MB;  // read ahead, what a buffer that grows has twice, and what the pipes hold

/// Sends values, acknowledged or not, until there has been no room for them for a while, or a great many have left. Counts
/// the bytes.
void send_without_end(px::channel& up, std::atomic<std::size_t>& sent) {
  px::detail::buffer frames;
  px::detail::frame_writer writer(frames);
  std::string const value(60'000, 'x');
  for (int i = 0; i < 16; ++i) {
    writer.begin();
    px::encode(frames, value);
    writer.finish(px::detail::frame_kind::value, 1, px::detail::default_frame_limit);
  }
  int const fd = up.core().wire().out_fd();
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  for (std::size_t at = 0; sent < endless;) {
    ssize_t const n = ::write(fd, frames.data() + at, frames.size() - at);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
      at = (at + static_cast<std::size_t>(n)) % frames.size();
      continue;
    }
    pollfd room{fd, POLLOUT, 0};
    if (::poll(&room, 1, 500) == 0) break;
  }
  ::_exit(0);
}

std::size_t most_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (std::size_t n = 0; word == "VmHWM:" && status >> n) return n * 1024;
  return 0;
}

/// What can be received; the words with which it ends.
std::pair<std::size_t, std::string> receive_all(px::channel& from) {
  std::size_t values = 0;
  try {
    for (;; ++values) from.receive<std::string>();
  } catch (px::end_of_channel const& e) {
    return {values, e.what()};
  }
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bounds, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(what_comes_while_the_end_is_awaited_is_thrown_away_beyond_some_megabytes) {
  observe::shared<std::atomic<std::size_t>> sent;
  px::channel ch = px::start([&](px::channel& up) { send_without_end(up, *sent); });
  std::size_t const before = most_memory();
  BOOST_TEST(ch.wait().success());
  BOOST_TEST(sent->load() >= endless);  // it could come to its end
  if (!observe::instrumented) BOOST_TEST(most_memory() - before < bounded);
  auto const [values, end] = receive_all(ch);
  BOOST_TEST(values > 100u);
  BOOST_TEST(values < endless / 60'000);
  BOOST_TEST(end.find("thrown away") != end.npos);
}

BOOST_AUTO_TEST_CASE(the_same_holds_while_the_end_is_awaited_asynchronously) {
  observe::shared<std::atomic<std::size_t>> sent;
  boost::asio::io_context io;
  px::channel ch = px::start(io.get_executor(), [&](px::channel& up) { send_without_end(up, *sent); });
  std::size_t const before = most_memory();
  bool ended = false;
  ch.async_wait([&](auto, px::exit_status) { ended = true; });
  io.run();
  BOOST_TEST(ended);
  BOOST_TEST(sent->load() >= endless);
  if (!observe::instrumented) BOOST_TEST(most_memory() - before < bounded);
}

BOOST_AUTO_TEST_CASE(whoever_waits_for_an_acknowledgement_reads_no_more_ahead_than_that) {
  observe::shared<std::atomic<std::size_t>> sent;
  px::channel ch = px::start(px::start_options{.acknowledged = true}, [&](px::channel& up) { send_without_end(up, *sent); });
  BOOST_CHECK_THROW(ch.send(1), px::error);
  BOOST_TEST(sent->load() < bounded);
}

BOOST_AUTO_TEST_CASE(little_that_comes_while_the_end_is_awaited_is_kept_as_it_was) {
  px::channel ch = px::start([](px::channel& up) {
    for (int i = 0; i < 1000; ++i) up.send(std::string(10'000, 'y'));
  });
  BOOST_TEST(ch.wait().success());
  BOOST_TEST(receive_all(ch).first == 1000u);
}

BOOST_AUTO_TEST_SUITE_END()
