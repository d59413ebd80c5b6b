#pragma once

#include "system/descriptor.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace procx::inline v1::detail {

/// What a process may write between lines to say what those that follow are about: 8 bytes by which it is known, chosen
/// at random by whoever reads, and a number.
class output_mark {
 public:
  static constexpr std::size_t size = 16;
  static constexpr std::uint64_t nothing = ~std::uint64_t{0};  ///< the number that is no number

  static output_mark make();
  std::string_view key() const noexcept { return {key_.data(), key_.size()}; }
  std::array<char, size> with(std::uint64_t number) const noexcept;

 private:
  std::array<char, 8> key_{};
};

/// The reading end of what a created process prints: passes on whole lines, by default to this process's own standard
/// error, and keeps the last 4 KiB for whoever must report a death.
class output_relay {
 public:
  static constexpr std::size_t tail_size = 4096;
  using line_function = std::function<void(std::string_view line)>;
  using mark_function = std::function<void(std::uint64_t number)>;

  output_relay() noexcept = default;
  explicit output_relay(descriptor from);

  /// Lines go there, without their ends, instead of to standard error; `on_mark` is told of each mark. Null functions: they
  /// go nowhere any more.
  void redirect(output_mark const& mark, line_function on_line, mark_function on_mark);

  /// The descriptor to wait for, −1 once nothing more can come.
  int fd() const noexcept { return ended_ ? -1 : from_.get(); }
  /// Reads what is there. Never blocks on the process; writing to a full terminal may.
  void drain();
  /// For a process that has ended: drains, and passes on the last line even if it has no end.
  void finish();
  /// What has been read and has no end of line is a line.
  void finish_lines();
  std::string const& tail() const noexcept { return tail_; }

 private:
  void take(char const* text, std::size_t size);
  void lose() noexcept;
  void take_marked();
  void take_plain(std::string_view text);
  void pass_on(std::size_t size);
  void give_lines(std::string_view lines);

  descriptor from_;  // stays open to the last: a reactor may have it registered
  bool ended_ = false;
  bool redirected_ = false;
  output_mark mark_;
  line_function on_line_;
  mark_function on_mark_;
  std::string unread_;  // what may be the beginning of a mark
  std::string line_;    // read and not yet passed on: no end of line so far
  std::string tail_;
};

}  // namespace procx::inline v1::detail
