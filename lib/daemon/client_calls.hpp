#pragma once

#include "daemon/call_frames.hpp"

#include <procx/detail/system/operation.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace procx::inline v1::detail {

/// The calls of a client that have no answer, and those of them that are not sent: a daemon says how many it takes. Not
/// thread-safe.
class client_calls {
 public:
  /// `repeats`: the daemon is asked to keep answers.
  explicit client_calls(bool repeats) noexcept : repeats_(repeats) {}

  /// A new call: its number, counted from 1. Its frame is appended to `out` if it may be sent, else by `send` some time.
  /// `on_loop`: no thread waits for it. If it throws, there is no call, and the operation is still the caller's.
  std::uint64_t add(call_head const& head, std::span<std::byte const> arguments, std::unique_ptr<operation>&& op, bool on_loop,
                    buffer& out);
  /// Appends the frames of calls that may be sent now.
  void send(buffer& out);
  /// The answer is there: the operation; null if there is no such call.
  std::unique_ptr<operation> take(std::uint64_t id) noexcept;
  /// The operation of a call that was not sent, which is forgotten then; null if it was sent, or is over.
  std::unique_ptr<operation> take_unsent(std::uint64_t id) noexcept;

  /// A connection is there, with these limits.
  void open(session_terms const& terms);
  /// None any more. Calls whose answers the daemon keeps are to be sent again; others that were sent are returned, unless
  /// `none_has_run`.
  std::vector<std::unique_ptr<operation>> close(bool none_has_run = false);
  std::vector<std::unique_ptr<operation>> take_all();

  bool empty() const noexcept { return calls_.empty(); }
  /// How many of them nobody waits for.
  std::size_t on_loop() const noexcept { return on_loop_; }
  std::size_t window() const noexcept { return terms_.calls; }

 private:
  struct call {
    std::unique_ptr<operation> op;
    buffer frame;  // if it was not sent, or may be sent again
    std::size_t bytes = 0;
    bool sent = false;
    bool on_loop = false;
  };
  using table = std::unordered_map<std::uint64_t, call>;

  bool has_room(std::size_t bytes) const noexcept;
  void note_sent(call& c) noexcept;
  std::unique_ptr<operation> erase(table::iterator at) noexcept;

  bool const repeats_;
  session_terms terms_;
  bool open_ = false;
  std::uint64_t last_ = 0;
  table calls_;
  std::deque<std::uint64_t> unsent_;  // in order; those that are gone too
  std::size_t sent_ = 0;              // calls without an answer
  std::size_t sent_bytes_ = 0;
  std::size_t on_loop_ = 0;
};

}  // namespace procx::inline v1::detail
