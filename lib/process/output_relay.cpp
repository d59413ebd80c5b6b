#include "process/output_relay.hpp"

#include "system/io.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include <sys/random.h>

namespace procx::inline v1::detail {
namespace {

constexpr int most_at_once = 64;  // chunks; more than a pipe holds, and an end to it if it fills as fast as it is read
constexpr std::size_t longest_line = 64 * 1024;  // a longer one is passed on in pieces

}  // namespace

output_mark output_mark::make() {
  output_mark mark;
  if (::getrandom(mark.key_.data(), mark.key_.size(), 0) != static_cast<ssize_t>(mark.key_.size()))
    std::memcpy(mark.key_.data(), "\0procx\1\2", mark.key_.size());
  return mark;
}

std::array<char, output_mark::size> output_mark::with(std::uint64_t number) const noexcept {
  std::array<char, size> bytes;
  std::memcpy(bytes.data(), key_.data(), key_.size());
  std::memcpy(bytes.data() + key_.size(), &number, sizeof number);
  return bytes;
}

output_relay::output_relay(descriptor from) : from_(std::move(from)) { set_nonblocking(from_.get(), true); }

void output_relay::redirect(output_mark const& mark, line_function on_line, mark_function on_mark) {
  redirected_ = true;
  mark_ = mark;
  on_line_ = std::move(on_line);
  on_mark_ = std::move(on_mark);
}

void output_relay::drain() {
  std::array<std::byte, 16 * 1024> chunk;
  for (int i = 0; i < most_at_once && from_ && !ended_; ++i) {
    auto const r = read_some(from_.get(), chunk);
    if (r.end || r.error) ended_ = true;
    try {
      if (r.bytes) take(reinterpret_cast<char const*>(chunk.data()), r.bytes);
    } catch (std::bad_alloc const&) {
      lose();
    }
    if (ended_) finish_lines();
    if (r.bytes < chunk.size()) return;
  }
}

void output_relay::finish() {
  drain();
  finish_lines();
}

/// There is no memory for what has been read: it is gone, and that is said in its place.
void output_relay::lose() noexcept {
  constexpr std::string_view notice = "procx: some of what a process has printed is lost, for want of memory\n";
  std::string().swap(unread_);
  std::string().swap(line_);
  try {
    if (redirected_)
      give_lines(notice);
    else
      write_some(STDERR_FILENO, std::as_bytes(std::span(notice)));
  } catch (...) {
  }
}

/// What looked like the beginning of a mark is none.
void output_relay::finish_lines() {
  try {
    take_plain(std::exchange(unread_, {}));
    pass_on(line_.size());
  } catch (std::bad_alloc const&) {
    lose();
  }
}

void output_relay::take(char const* text, std::size_t size) {
  if (!redirected_) return take_plain({text, size});
  unread_.append(text, size);
  take_marked();
}

/// Lines and marks; what may be the beginning of a mark stays.
void output_relay::take_marked() {
  std::string_view left = unread_;
  std::string_view const key = mark_.key();
  for (;;) {
    auto const at = left.find(key);
    if (at == left.npos || left.size() - at < output_mark::size) {
      std::size_t plain = at;
      if (at == left.npos) {  // no whole key: perhaps the first bytes of one
        std::size_t part = std::min(left.size(), key.size() - 1);
        while (!left.ends_with(key.substr(0, part))) --part;
        plain = left.size() - part;
      }
      take_plain(left.substr(0, plain));
      left.remove_prefix(plain);
      break;
    }
    take_plain(left.substr(0, at));
    pass_on(line_.size());
    std::uint64_t number = 0;
    std::memcpy(&number, left.data() + at + key.size(), sizeof number);
    if (on_mark_) on_mark_(number);
    left.remove_prefix(at + output_mark::size);
  }
  unread_.erase(0, unread_.size() - left.size());
}

void output_relay::take_plain(std::string_view text) {
  tail_.append(text);
  if (tail_.size() > tail_size) tail_.erase(0, tail_.size() - tail_size);

  line_.append(text);
  std::size_t const last_end = line_.rfind('\n');
  if (last_end != std::string::npos) pass_on(last_end + 1);
  if (line_.size() > longest_line) pass_on(line_.size());
}

void output_relay::pass_on(std::size_t size) {
  if (redirected_) {
    give_lines(std::string_view(line_).substr(0, size));
    line_.erase(0, size);
    return;
  }
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

void output_relay::give_lines(std::string_view lines) {
  while (!lines.empty()) {
    std::string_view const line = lines.substr(0, lines.find('\n'));
    if (on_line_) on_line_(line);
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
  }
}

}  // namespace procx::inline v1::detail
