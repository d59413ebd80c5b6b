#pragma once

#include "system/descriptor.hpp"

#include <cstddef>
#include <string>

namespace procx::inline v1::detail {

/// The reading end of a created process's standard error: passes on whole lines to this process's own, and keeps the
/// last 4 KiB for whoever must report a death.
class stderr_relay {
 public:
  static constexpr std::size_t tail_size = 4096;

  stderr_relay() noexcept = default;
  explicit stderr_relay(descriptor from);

  /// The descriptor to wait for, −1 once nothing more can come.
  int fd() const noexcept { return ended_ ? -1 : from_.get(); }
  /// Reads what is there. Never blocks on the process; writing to a full terminal may.
  void drain();
  /// For a process that has ended: drains, and passes on the last line even if it has no end.
  void finish();
  std::string const& tail() const noexcept { return tail_; }

 private:
  void take(char const* text, std::size_t size);
  void pass_on(std::size_t size);

  descriptor from_;  // stays open to the last: a reactor may have it registered
  bool ended_ = false;
  std::string line_;  // read and not yet passed on: no end of line so far
  std::string tail_;
};

}  // namespace procx::inline v1::detail
