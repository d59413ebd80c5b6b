#pragma once

#include "background/kept_results.hpp"
#include "endpoint/endpoint.hpp"
#include "endpoint/handshake.hpp"
#include "system/descriptor.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>

#include <poll.h>

namespace procx::inline v1::detail {

/// One client of a background process: greeted, given results, and heard when it acknowledges them, in the order in which it
/// got them. Whatever it does or does not do, nothing here waits for it.
class client_session {
 public:
  using clock = std::chrono::steady_clock;
  /// In which it must have greeted.
  static constexpr std::chrono::seconds time_to_greet{2};

  client_session(descriptor socket, clock::time_point now);

  pollfd waits_for() const noexcept;
  /// Reads and writes what can be without waiting.
  void pump(clock::time_point now);
  bool greeted() const noexcept { return hands_.now() == handshake::state::done; }
  bool awaits_greeting() const noexcept { return hands_.now() == handshake::state::awaiting; }
  clock::time_point greets_until() const noexcept { return until_; }

  bool has_room() const noexcept;
  /// It leaves at the next flush.
  void give(kept_result r);
  void flush() { wire_.flush(); }
  bool owes() const noexcept { return !held_.empty(); }
  /// There is nothing more to give.
  void say_end();
  /// The client has gone, or behaves as none does; or the end has been said, and has left.
  bool over() const noexcept { return over_ || (end_said_ && all_has_left()); }
  /// What it has not acknowledged, once it is over.
  std::deque<kept_result> take_back() noexcept { return std::move(held_); }

 private:
  // More on their way make nothing quicker, and are what other clients must do without.
  static constexpr std::size_t most_held = 16;
  static constexpr std::size_t most_bytes_held = std::size_t{256} << 10;
  static constexpr std::size_t most_said = 64 * 1024;  // bytes in a frame from a client

  bool all_has_left() const noexcept { return wire_.broken() || wire_.queued_bytes() == wire_.flushed_bytes(); }
  void understand();
  void acknowledged(std::uint64_t id);

  clock::time_point until_;
  endpoint wire_;
  handshake hands_;
  std::deque<kept_result> held_;
  std::size_t held_bytes_ = 0;
  bool end_said_ = false;
  bool over_ = false;
};

}  // namespace procx::inline v1::detail
