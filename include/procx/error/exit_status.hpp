#pragma once

#include <iosfwd>
#include <string>

namespace procx::inline v1 {

/// How a process ended: it exited with a code, a signal killed it, or nobody can tell any more.
///
/// A value of two words; every member is thread-safe on distinct objects.
class exit_status {
 public:
  /// The status of a process whose end was seen, but whose status was lost with the one who could have read it.
  constexpr exit_status() noexcept = default;

  static constexpr exit_status of_code(int code) noexcept { return {kind::exited, code}; }
  static constexpr exit_status of_signal(int signal, bool core_dumped = false) noexcept {
    return {core_dumped ? kind::dumped : kind::signaled, signal};
  }
  /// From the `si_code` and `si_status` that waitid(2) fills in.
  static exit_status from_wait(int how, int value) noexcept;

  constexpr bool known() const noexcept { return kind_ != kind::unknown; }
  constexpr bool exited() const noexcept { return kind_ == kind::exited; }
  constexpr bool signaled() const noexcept { return kind_ == kind::signaled || kind_ == kind::dumped; }
  constexpr bool core_dumped() const noexcept { return kind_ == kind::dumped; }
  constexpr bool success() const noexcept { return exited() && value_ == 0; }

  /// The exit code, or −1 if the process did not exit by itself.
  constexpr int code() const noexcept { return exited() ? value_ : -1; }
  /// The signal that killed the process, or 0 if none did.
  constexpr int signal() const noexcept { return signaled() ? value_ : 0; }

  /// As people say it: "exited with 1", "killed by SIGSEGV (core dumped)".
  std::string to_string() const;

  friend constexpr bool operator==(exit_status, exit_status) noexcept = default;

 private:
  enum class kind { unknown, exited, signaled, dumped };
  constexpr exit_status(kind k, int value) noexcept : kind_(k), value_(value) {}

  kind kind_ = kind::unknown;
  int value_ = 0;
};

std::ostream& operator<<(std::ostream& out, exit_status status);

}  // namespace procx::inline v1
