#pragma once

#include "system/descriptor.hpp"
#include "system/file_identity.hpp"
#include "system/io.hpp"

#include <procx/endpoint/transport.hpp>
#include <procx/detail/wire/frame.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

namespace procx::inline v1::detail {

/// Frames in and out over descriptors that never block. It knows what a frame is, and not who is at the other end,
/// what the frames mean or who waits for them. If foreign code has closed a descriptor, nothing is read from what has its
/// number then, nor written to it.
class endpoint {
 public:
  endpoint(descriptor in, descriptor out, std::size_t frame_limit);
  /// One descriptor for both directions.
  endpoint(descriptor socket, std::size_t frame_limit);
  /// Connected to nothing: at its end.
  explicit endpoint(std::size_t frame_limit) : is_socket_(false), ended_(true), out_open_(false), reader_(frame_limit) {}

  int in_fd() const noexcept { return in_.get(); }
  int out_fd() const noexcept { return is_socket_ ? in_.get() : out_.get(); }
  std::size_t frame_limit() const noexcept { return reader_.limit(); }

  /// Takes in what has arrived, at most `at_most` bytes more; true if anything has, or the end was met. Throws
  /// system_error if it cannot be read, from then on always.
  bool fill(std::size_t at_most = 1 << 20);
  /// Reads what has arrived, some of it at least, and keeps nothing of it: what comes from now on is lost, and a frame that
  /// is not whole yet never will be. Throws system_error likewise.
  void throw_away();
  /// The next whole frame; valid until `fill`.
  std::optional<frame> next() { return reader_.next(); }
  bool has_next() const { return reader_.has_next(); }
  /// Nothing more can come in. Frames that came before may still be there.
  bool ended() const noexcept { return ended_; }
  /// Bytes that have come in and were not taken as frames yet.
  std::size_t unread() const noexcept { return reader_.pending(); }

  /// Where frames are written to; they leave by `flush`.
  buffer& out() noexcept { return outgoing_; }
  /// Writes what can be written without waiting; true once nothing is left. If nobody reads any more, what is left is
  /// dropped and `broken` turns true.
  bool flush();
  bool broken() const noexcept { return broken_; }
  /// How many bytes have left, and how many were to leave, since the beginning: a position in the stream.
  std::uint64_t flushed_bytes() const noexcept { return flushed_; }
  std::uint64_t queued_bytes() const noexcept { return flushed_ + outgoing_.size() - sent_; }

  /// Nothing more will be written; what was flushed arrives.
  void close_out() noexcept;
  void close() noexcept;
  bool out_open() const noexcept { return out_open_; }

  /// The descriptors, for the process that is to have this end; the second may be empty.
  std::array<descriptor*, 2> descriptors() noexcept { return {&in_, &out_}; }

 private:
  using waste_bin = std::array<std::byte, 4096>;
  std::span<std::byte> room_for_frames(std::span<std::byte> bin);

  bool is_own(int fd) const noexcept { return (fd == in_.get() ? in_file_ : out_file_).is(fd); }

  descriptor in_;
  descriptor out_;
  file_identity in_file_;
  file_identity out_file_;
  bool is_socket_;
  bool ended_ = false;
  bool malformed_ = false;  // what arrived is no frame: what comes behind it is not kept
  bool throws_away_ = false;
  boost::system::error_code failed_;  // of a read: what comes later may not follow on what came before
  bool broken_ = false;
  bool out_open_ = true;
  frame_reader reader_;
  buffer outgoing_;
  std::size_t sent_ = 0;  // of outgoing_
  std::uint64_t flushed_ = 0;
};

/// The two ends of a new connection, and the descriptors that a new process must keep to use the second one.
struct endpoint_pair {
  endpoint here;
  endpoint there;
};
endpoint_pair make_endpoints(transport how, std::size_t frame_limit);

}  // namespace procx::inline v1::detail
