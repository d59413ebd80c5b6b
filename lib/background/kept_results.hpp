#pragma once

#include "system/descriptor.hpp"

#include <procx/detail/wire/buffer.hpp>
#include <procx/detail/wire/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

/// One result of a background process, as the payload of a frame.
struct kept_result {
  std::uint64_t id = 0;  ///< from 1, in the order of coming
  frame_kind kind = frame_kind::value;
  std::uint8_t flags = 0;
  buffer payload = {};
};

/// Results in the order of their ids. Up to a bound they are kept in memory; those behind go to a file, one frame behind the
/// other, and all that come after them too, until the file has been read to its end. If the file takes no more, `full` says so.
/// Not thread-safe.
class kept_results {
 public:
  /// `open_file`: gives a new file; what it throws means that there is none.
  kept_results(std::size_t bytes_in_memory, std::size_t frame_limit, std::function<descriptor()> open_file);

  void add(frame_kind kind, std::uint8_t flags, std::span<std::byte const> payload);
  /// The first one; none if there is none. Throws system_error if the file cannot be read.
  std::optional<kept_result> take();
  /// What was taken and has reached nobody: to be taken again, before those with higher ids.
  void give_back(kept_result r);

  bool empty() const noexcept { return returned_.empty() && in_memory_.empty() && behind_ == 0; }
  /// Nothing more should be added for now.
  bool full() const noexcept { return tail_.size() > most_waiting; }
  std::size_t bytes_in_memory() const noexcept { return bytes_; }
  std::uint64_t bytes_in_file() const noexcept { return written_ - read_; }

 private:
  static constexpr std::size_t most_waiting = std::size_t{4} << 20;  // bytes on their way to the file
  static constexpr std::size_t at_once = std::size_t{256} << 10;
  static std::size_t cost_of(kept_result const& r) noexcept { return r.payload.size() + sizeof r; }

  void write_tail() noexcept;
  void read_more();
  void forget_read() noexcept;

  std::size_t const most_;
  std::function<descriptor()> open_file_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, kept_result> returned_;
  std::deque<kept_result> in_memory_;
  std::size_t bytes_ = 0;

  // The frames behind those: what the reader holds, then what the file does from read_ to written_, then the tail.
  std::uint64_t behind_ = 0;
  frame_reader reader_;
  descriptor file_;
  std::uint64_t read_ = 0;
  std::uint64_t forgotten_ = 0;
  std::uint64_t written_ = 0;
  buffer tail_;
};

}  // namespace procx::inline v1::detail
