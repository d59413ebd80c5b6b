#include <procx/detail/wire/frame.hpp>

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <string>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t kept = 8 * 1024 * 1024;  // more is given back once it has been read; page faults are dear

}  // namespace

void frame_reader::refuse(frame_header const& h, std::size_t limit) {
  if (!known(h.kind))
    throw protocol_error("the bytes received are no frame: kind " + std::to_string(static_cast<unsigned>(h.kind)));
  throw protocol_error("a frame of " + std::to_string(h.length) + " bytes was announced, the limit is " +
                           std::to_string(limit),
                       errc::value_too_large);
}

void throw_too_large(char const* what, std::size_t size, std::size_t limit) {
  throw protocol_error(std::string(what) + " of " + std::to_string(size) + " bytes does not fit into a frame, the limit is " +
                           std::to_string(limit),
                       errc::value_too_large);
}

void frame_writer::refuse(std::size_t length, std::size_t limit) {
  abandon();
  throw_too_large("a value", length, limit);
}

std::optional<frame_header> frame_reader::skip_next() {
  if (pending() < frame_header::size) return std::nullopt;
  frame_header const h = frame_header::read(bytes_.data() + consumed_);
  to_skip_ = frame_header::size + h.length - pending();
  bytes_.release();
  consumed_ = 0;
  return h;
}

/// All that is there came behind a frame that is passed over, or is a part of it.
void frame_reader::skip() noexcept {
  std::size_t const n = std::min(to_skip_, bytes_.size());
  bytes_.drop_front(n);
  to_skip_ -= n;
}

std::span<std::byte> frame_reader::prepare() {
  if (consumed_ == bytes_.size()) {
    bytes_.clear();
    if (bytes_.capacity() > kept) bytes_.release();
  } else {
    bytes_.drop_front(consumed_);
  }
  consumed_ = 0;

  std::size_t wanted = at_once_;
  if (pending() >= frame_header::size) {
    std::size_t const missing = frame_header::size + checked_length() - bytes_.size();
    wanted = std::clamp(missing, at_once_, std::max(at_once_, bytes_.size()));
  }
  // Not at every read: where little comes at a time, each would copy all that came before.
  if (bytes_.capacity() - bytes_.size() < at_once_ / 2) bytes_.reserve(bytes_.size() + wanted);
  return {bytes_.data() + bytes_.size(), bytes_.capacity() - bytes_.size()};
}

}  // namespace procx::inline v1::detail
