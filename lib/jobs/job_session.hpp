#pragma once

#include "endpoint/endpoint.hpp"
#include "endpoint/handshake.hpp"
#include "jobs/job_frames.hpp"
#include "system/descriptor.hpp"

#include <procx/jobs/job.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <poll.h>

namespace procx::inline v1::detail {

class job_session;

/// What clients ask a supervisor for.
class job_requests {
 public:
  virtual ~job_requests() = default;
  virtual job_record now() = 0;
  virtual void on_input(job_session& from, std::span<std::byte const> bytes) = 0;
  virtual void on_end_of_input() = 0;
  virtual void on_window(window_size size) = 0;
  virtual void on_stop(stop_terms const& terms) = 0;
};

/// The connection of a supervisor to one client. Never blocks, whatever the client does, and keeps little for it: each request
/// has one answer, and a client that leaves more than a few unanswered is disconnected.
class job_session {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds time_to_greet{2};

  job_session(descriptor socket, std::uint64_t number, clock::time_point now);

  std::uint64_t number() const noexcept { return number_; }
  pollfd waits_for() const noexcept;
  void pump(clock::time_point now, job_requests& to);
  bool over() const noexcept { return over_; }
  bool awaits_greeting() const noexcept { return hands_.now() == handshake::state::awaiting; }
  clock::time_point greets_until() const noexcept { return until_; }

  /// So many bytes of its input were taken.
  void acknowledge(std::size_t bytes);
  /// The output has grown to that.
  void tell_output(std::uint64_t size);
  /// The command has ended.
  void tell_ended(job_record const& r) { tell(ended_wanted_, r); }
  /// Nothing of the job is left.
  void tell_empty(job_record const& r) { tell(empty_wanted_, r); }
  void flush() { wire_.flush(); }
  bool all_has_left() const noexcept { return wire_.broken() || wire_.queued_bytes() == wire_.flushed_bytes(); }

 private:
  static constexpr std::size_t most_said = most_input + 4096;  // largest frame from a client, in bytes
  static constexpr std::size_t most_unsent = 64 * 1024;        // bytes that it has not read
  static constexpr std::size_t most_wanted = 64;               // requests without an answer

  void understand(job_requests& to);
  void on_word(frame const& f, job_requests& to);
  void want(std::vector<std::uint64_t>& list, std::uint64_t id);
  void tell(std::vector<std::uint64_t>& wanted, job_record const& r);

  std::uint64_t number_;
  clock::time_point until_;
  endpoint wire_;
  handshake hands_;
  std::optional<std::uint64_t> follows_;  // wants to hear of more output than that
  std::vector<std::uint64_t> ended_wanted_, empty_wanted_;
  std::uint64_t input_ = 0, taken_ = 0;  // bytes
  bool over_ = false;
};

}  // namespace procx::inline v1::detail
