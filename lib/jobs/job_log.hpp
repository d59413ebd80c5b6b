#pragma once

#include "address/address.hpp"
#include "system/descriptor.hpp"
#include "system/io.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace procx::inline v1::detail {

/// Takes what a command writes from a pipe or a terminal to the file ADDRESS.log: all of it, and nothing else. Never blocks on the
/// command. While the disk is full, it takes nothing, so that the command waits, and tries again.
class job_log {
 public:
  explicit job_log(descriptor from, bool terminal);

  /// Begins a new file. What was there before is still read by those who have it open. This process's standard output and error
  /// go to it as well.
  void open(address const& at);

  /// The descriptor to poll; −1 while there is nothing to be expected, or no room for it.
  int waits_for() const noexcept { return ended_ || stalled_until_ ? -1 : from_.get(); }
  /// When to try again after the disk was full.
  deadline tries_again() const noexcept { return stalled_until_; }
  /// Takes some of what is there; true if there may be more.
  bool pump();
  /// Takes what is there at this moment, whatever others go on writing. False if the disk is full.
  bool take_present();

  std::uint64_t size() const noexcept { return size_; }
  /// Nobody has the other end any more.
  bool ended() const noexcept { return ended_; }
  bool stalled() const noexcept { return stalled_until_.has_value(); }

 private:
  using clock = std::chrono::steady_clock;
  enum class moved { some, none_there, no_room };

  moved move(std::size_t most);
  moved splice(std::size_t most);
  moved copy(std::size_t most);
  bool write_left();

  descriptor from_;
  descriptor file_;
  bool splices_;
  bool ended_ = false;
  std::uint64_t size_ = 0;
  deadline stalled_until_;
  std::vector<std::byte> piece_;   // what was read
  std::size_t written_ = 0, read_ = 0;  // of piece_
};

}  // namespace procx::inline v1::detail
