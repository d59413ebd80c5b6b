#pragma once

#include <procx/detail/dispatch/task_head.hpp>
#include <procx/wire/archive.hpp>
#include <procx/detail/wire/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace procx::inline v1::detail {

/// How tasks travel to a worker: a frame with what is called, and then for each task the length of its arguments and the
/// arguments, one behind the other. The id of the frame is that of the first task; the others' count up.
namespace task_frame {

inline constexpr std::size_t head_size = sizeof(std::uint64_t) + 2 * sizeof(image_offset);
/// What a frame is more than its tasks.
inline constexpr std::size_t extra = frame_header::size + head_size;
/// What the payload of a frame with one task is more than the arguments.
inline constexpr std::size_t payload_extra = head_size + arguments_length_size;

/// Writes `extra` bytes, for so many bytes of tasks.
inline void write(std::byte* to, std::uint64_t id, task_head const& head, std::size_t bytes) noexcept {
  frame_header{frame_kind::tasks, 0, head_size + bytes, id}.write(to);
  std::uint64_t const callable = head.callable;
  std::memcpy(to += frame_header::size, &callable, sizeof callable);
  std::memcpy(to += sizeof callable, &head.entry, sizeof head.entry);
  std::memcpy(to += sizeof head.entry, &head.function, sizeof head.function);
}

/// Takes the frame apart.
class reader {
 public:
  /// Throws protocol_error.
  explicit reader(frame const& f) : in_(f.payload) {
    std::uint64_t callable = 0;
    in_ >> callable >> head_.entry >> head_.function;
    head_.callable = static_cast<std::uint32_t>(callable);
  }
  task_head const& head() const noexcept { return head_; }
  bool has_next() const noexcept { return in_.left() > 0; }
  /// The arguments of the next task. Throws protocol_error.
  input_archive next(block_source* blocks) {
    std::size_t const length = in_.load_count();
    return {in_.take(length), length, blocks};
  }

 private:
  input_archive in_;
  task_head head_;
};

}  // namespace task_frame
}  // namespace procx::inline v1::detail
