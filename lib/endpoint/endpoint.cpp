#include "endpoint/endpoint.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/system/system_error.hpp>

#include <sys/socket.h>

namespace procx::inline v1::detail {

endpoint::endpoint(descriptor in, descriptor out, std::size_t frame_limit)
    : in_(std::move(in)),
      out_(std::move(out)),
      in_file_(in_.get()),
      out_file_(out_.get()),
      is_socket_(false),
      reader_(frame_limit) {
  set_nonblocking(in_.get(), true);
  set_nonblocking(out_.get(), true);
}

endpoint::endpoint(descriptor socket, std::size_t frame_limit)
    : in_(std::move(socket)), in_file_(in_.get()), is_socket_(true), reader_(frame_limit) {
  set_nonblocking(in_.get(), true);
}

/// Behind what is no frame nothing can be told from anything: it is thrown away. The other side does not block on it,
/// its end can be waited for, and `next` says what was wrong.
std::span<std::byte> endpoint::room_for_frames(std::span<std::byte> bin) {
  try {
    return reader_.prepare();
  } catch (protocol_error const&) {
    malformed_ = true;
    return bin;
  }
}

bool endpoint::fill(std::size_t at_most) {
  if (failed_) throw boost::system::system_error(failed_, "cannot read from a channel");
  if (in_ && !ended_ && !is_own(in_.get()))
    throw boost::system::system_error(failed_ = boost::system::errc::make_error_code(boost::system::errc::bad_file_descriptor),
                                      "somebody has closed the descriptor of a channel");
  bool any = false;
  waste_bin bin;
  for (std::size_t got = 0; !ended_ && in_ && got < at_most;) {
    auto const room = malformed_ || throws_away_ ? std::span<std::byte>(bin) : room_for_frames(bin);
    auto const r = read_some(in_.get(), room);
    if (r.error) throw boost::system::system_error(failed_ = r.error, "cannot read from a channel");
    if (!malformed_ && !throws_away_) reader_.commit(r.bytes);
    got += r.bytes;
    ended_ = r.end;
    any = any || r.bytes || r.end;
    if (r.bytes < room.size()) break;  // a short read: there was no more
  }
  return any;
}

void endpoint::throw_away() {
  throws_away_ = true;
  fill();
}

bool endpoint::flush() {
  if (sent_ < outgoing_.size() && out_open_ && !is_own(out_fd())) broken_ = true;
  while (sent_ < outgoing_.size() && !broken_) {
    auto const r = write_some(out_fd(), outgoing_.bytes().subspan(sent_));
    if (r.would_block) return false;
    if (r.end || r.error || !out_open_) broken_ = true;
    sent_ += r.bytes;
    flushed_ += r.bytes;
  }
  outgoing_.clear();
  sent_ = 0;
  if (outgoing_.capacity() > std::size_t{8} << 20) outgoing_.release();
  return true;
}

void endpoint::close_out() noexcept {
  if (!out_open_) return;
  out_open_ = false;
  if (is_socket_)
    ::shutdown(in_.get(), SHUT_WR);
  else
    out_.close();
}

void endpoint::close() noexcept {
  out_open_ = false;
  ended_ = true;
  out_.close();
  in_.close();
}

endpoint_pair make_endpoints(transport how, std::size_t frame_limit) {
  raise_descriptor_limit();
  if (how == transport::socket) {
    auto [a, b] = make_socket_pair(SOCK_STREAM);
    return {endpoint(std::move(a), frame_limit), endpoint(std::move(b), frame_limit)};
  }
  auto [down_read, down_write] = make_pipe();
  auto [up_read, up_write] = make_pipe();
  return {endpoint(std::move(up_read), std::move(down_write), frame_limit),
          endpoint(std::move(down_read), std::move(up_write), frame_limit)};
}

}  // namespace procx::inline v1::detail
