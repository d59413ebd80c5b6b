#pragma once

#include <procx/dispatch/log_line.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <utility>

namespace procx::inline v1::detail {

/// The failures of posted tasks, whose outcomes no operation waits for: they are lines of the log, or on standard error if
/// there is none, and the first is kept for `drain`. The loop thread adds and tells them.
class posted_failures {
 public:
  explicit posted_failures(log_sink log) : log_(std::move(log)) {}

  void add(std::uint64_t task, std::exception_ptr const& error) noexcept;
  /// The tasks that were cancelled are told together: there may be very many of them.
  void tell_cancelled() noexcept;
  /// The first failure since the last call; null if there is none. Thread-safe.
  std::exception_ptr take_first() noexcept;

 private:
  void tell(log_line line, std::string const& text) noexcept;

  log_sink const log_;
  std::size_t cancelled_ = 0;
  std::string why_cancelled_;
  std::mutex mutex_;  // guards what follows
  std::exception_ptr first_;
};

}  // namespace procx::inline v1::detail
