#include "daemon/hand_over.hpp"

#include "channel/handover.hpp"
#include "daemon/client_protocol.hpp"
#include "daemon/server_protocol.hpp"
#include "system/fd_passing.hpp"
#include "system/io.hpp"

#include <procx/error/exceptions.hpp>

#include <chrono>
#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {
namespace {

constexpr std::chrono::seconds time_to_hand_over{20};

/// A client that calls nothing.
class successor final : private client_protocol::events {
 public:
  explicit successor(descriptor socket)
      : socket_(std::move(socket)), protocol_(greeting::own(image_fingerprint(), limit), session_token{}), reader_(limit) {
    buffer out;
    protocol_.greet(out);
    add_control(out, control::hand_over);
    send(out);
  }

  handed_over wait() {
    while (passed_.size() < 2) {
      receive();
      while (auto const f = reader_.next()) understand(*f);
    }
    return {std::move(passed_[0]), std::move(passed_[1])};
  }

 private:
  static constexpr std::size_t limit = server_protocol::least_frame_limit;

  void understand(frame const& f) {
    if (f.kind == frame_kind::message && f.flags == static_cast<std::uint8_t>(control::handed_over)) return;
    buffer out;
    protocol_.on_frame(f, out, *this);
    send(out);
  }
  void receive() {
    pollfd ready{socket_.get(), POLLIN, 0};
    auto const room = reader_.prepare();
    auto const n = poll_until(std::span(&ready, 1), until_) ? receive_packet(socket_.get(), room, passed_) : 0;
    if (n <= 0) throw connection_error("the daemon that listens there does not hand over");
    reader_.commit(static_cast<std::size_t>(n));
  }
  void send(std::span<std::byte const> bytes) const {
    while (!bytes.empty()) {
      auto const r = write_some(socket_.get(), bytes);
      if (r.error || r.end) return;  // `receive` sees the end
      bytes = bytes.subspan(r.bytes);
    }
  }

  void on_opened(session_terms const&) override {}
  void on_value(std::uint64_t, std::span<std::byte const>) override {}
  void on_failure(std::uint64_t, std::exception_ptr) override {}
  void on_end(bool) override {}

  descriptor socket_;
  client_protocol protocol_;
  frame_reader reader_;
  std::vector<descriptor> passed_;
  std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + time_to_hand_over;
};

}  // namespace

std::optional<handed_over> ask_for_hand_over(address const& at) {
  descriptor socket;
  try {
    socket = at.connect();
  } catch (connection_error const& e) {
    int const why = e.code().value();
    if (e.code().category() == boost::system::system_category() && (why == ECONNREFUSED || why == ENOENT)) return std::nullopt;
    throw;
  }
  return successor(std::move(socket)).wait();
}

}  // namespace procx::inline v1::detail
