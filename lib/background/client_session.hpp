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

/// The connection to one client of a background process: handshake, results out, acknowledgements in. Never blocks, whatever
/// the client does.
class client_session {
 public:
  using clock = std::chrono::steady_clock;
  /// Time limit for the client's greeting.
  static constexpr std::chrono::seconds time_to_greet{2};

  client_session(descriptor socket, clock::time_point now);

  pollfd waits_for() const noexcept;
  /// Reads and writes as far as possible without blocking.
  void pump(clock::time_point now);
  bool greeted() const noexcept { return hands_.now() == handshake::state::done; }
  bool awaits_greeting() const noexcept { return hands_.now() == handshake::state::awaiting; }
  clock::time_point greets_until() const noexcept { return until_; }

  bool has_room() const noexcept;
  /// Queues a result; `flush` sends it.
  void give(kept_result r);
  void flush() { wire_.flush(); }
  bool owes() const noexcept { return !held_.empty(); }
  /// Tells the client that there are no more results.
  void say_end();
  /// The client has disconnected or violated the protocol, or the end has been sent.
  bool over() const noexcept { return over_ || (end_said_ && all_has_left()); }
  /// The results that the client has not acknowledged. Only when the session is over.
  std::deque<kept_result> take_back() noexcept { return std::move(held_); }

 private:
  // Limits of unacknowledged results. A slow client keeps these from other clients.
  static constexpr std::size_t most_held = 16;
  static constexpr std::size_t most_bytes_held = std::size_t{256} << 10;
  static constexpr std::size_t most_said = 64 * 1024;  // largest frame from a client, in bytes

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
