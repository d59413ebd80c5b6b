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

/// A queue of results, in the order of their ids. Results beyond a memory limit go to a file, as frames, until the file has
/// been read completely. If the file cannot grow, results wait in memory, and `full` asks the producer to pause. Not
/// thread-safe.
class kept_results {
 public:
  /// `open_file` returns a new empty file. If it throws, there is no file, and it is called again later.
  kept_results(std::size_t bytes_in_memory, std::size_t frame_limit, std::function<descriptor()> open_file);

  void add(frame_kind kind, std::uint8_t flags, std::span<std::byte const> payload);
  /// Removes and returns the first result. Empty if there is none. Throws system_error if the file cannot be read.
  std::optional<kept_result> take();
  /// Puts back a result that was taken but not delivered, in the place of its id.
  void give_back(kept_result r);

  bool empty() const noexcept { return returned_.empty() && in_memory_.empty() && behind_ == 0; }
  /// True while the producer should pause.
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

  // Results behind those in memory, oldest first: in reader_, in the file from read_ to written_, in tail_.
  std::uint64_t behind_ = 0;
  frame_reader reader_;
  descriptor file_;
  std::uint64_t read_ = 0;
  std::uint64_t forgotten_ = 0;
  std::uint64_t written_ = 0;
  buffer tail_;
};

}  // namespace procx::inline v1::detail
