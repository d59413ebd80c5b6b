#include "pool/posted_failures.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/error/outcome.hpp>

#include <cstdio>

namespace procx::inline v1::detail {
namespace {

bool is_cancelled(std::exception_ptr const& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (task_cancelled const&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

void posted_failures::add(std::uint64_t task, std::exception_ptr const& error) noexcept {
  {
    std::lock_guard const lock(mutex_);
    if (!first_) first_ = error;
  }
  try {
    std::string const why = message_of(error);
    if (!is_cancelled(error))
      return tell({.task = task}, "task " + std::to_string(task) + ", which was posted, failed: " + why);
    ++cancelled_;
    why_cancelled_ = why;
  } catch (...) {
    // No memory for its text: whoever drains is told.
  }
}

void posted_failures::tell_cancelled() noexcept {
  std::size_t const count = std::exchange(cancelled_, 0);
  if (count == 0) return;
  try {
    std::string const who = std::to_string(count) + (count == 1 ? " posted task was" : " posted tasks were");
    tell({}, who + " cancelled: " + why_cancelled_);
  } catch (...) {
    // Likewise.
  }
}

std::exception_ptr posted_failures::take_first() noexcept {
  std::lock_guard const lock(mutex_);
  return std::exchange(first_, nullptr);
}

void posted_failures::tell(log_line line, std::string const& text) noexcept {
  line.text = text;
  try {
    if (log_)
      log_(line);
    else
      std::fputs(("procx: " + text + '\n').c_str(), stderr);
  } catch (...) {
    // A log that throws is not to end the pool's thread.
  }
}

}  // namespace procx::inline v1::detail
