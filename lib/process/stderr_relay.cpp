#include "process/stderr_relay.hpp"

#include "system/io.hpp"

#include <array>
#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr int most_at_once = 64;  // chunks; more than a pipe holds, and an end to it if it fills as fast as it is read
constexpr std::size_t longest_line = 64 * 1024;  // a longer one is passed on in pieces

}  // namespace

stderr_relay::stderr_relay(descriptor from) : from_(std::move(from)) { set_nonblocking(from_.get(), true); }

void stderr_relay::drain() {
  std::array<std::byte, 16 * 1024> chunk;
  for (int i = 0; i < most_at_once && from_ && !ended_; ++i) {
    auto const r = read_some(from_.get(), chunk);
    if (r.bytes) take(reinterpret_cast<char const*>(chunk.data()), r.bytes);
    if (r.end || r.error) {
      pass_on(line_.size());
      ended_ = true;
    }
    if (r.bytes < chunk.size()) return;
  }
}

void stderr_relay::finish() {
  drain();
  pass_on(line_.size());
}

void stderr_relay::take(char const* text, std::size_t size) {
  tail_.append(text, size);
  if (tail_.size() > tail_size) tail_.erase(0, tail_.size() - tail_size);

  line_.append(text, size);
  std::size_t const last_end = line_.rfind('\n');
  if (last_end != std::string::npos) pass_on(last_end + 1);
  if (line_.size() > longest_line) pass_on(line_.size());
}

void stderr_relay::pass_on(std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    auto const r = write_some(STDERR_FILENO, std::as_bytes(std::span(line_.data() + done, size - done)));
    if (r.would_block) {
      pollfd writable{STDERR_FILENO, POLLOUT, 0};
      poll_until(std::span(&writable, 1), std::nullopt);
    } else if (r.end || r.error) {
      break;  // nobody reads this process's own standard error either
    }
    done += r.bytes;
  }
  line_.erase(0, size);
}

}  // namespace procx::inline v1::detail
