#pragma once

#include "daemon/call_session.hpp"
#include "daemon/server_protocol.hpp"
#include "endpoint/endpoint.hpp"
#include "system/descriptor.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <memory>
#include <span>

namespace procx::inline v1::detail {

class client_link;

/// What the connections of a daemon want of it.
class link_owner {
 public:
  virtual ~link_owner() = default;
  /// The session with this token: a new one, or one that is kept. One that has another connection leaves that.
  virtual std::shared_ptr<call_session> session_for(session_token const& token, client_link& link, session_terms& terms) = 0;
  /// Has the dispatcher begin the calls that were added.
  virtual void pump() = 0;
  virtual void on_stop() = 0;
  /// The client is to take the daemon's place.
  virtual void on_hand_over(client_link& to) = 0;
  /// A connection that was told to finish has nothing left to do.
  virtual void on_drained() = 0;
  /// The connection is over. It is destroyed later.
  virtual void on_over(client_link& link) noexcept = 0;
};

/// The connection to one client of a daemon. Never blocks, whatever the client does; a client that sends what makes no sense is
/// disconnected. On the daemon's loop.
class client_link final : public session_link, private server_protocol::events {
 public:
  client_link(link_owner& owner, boost::asio::any_io_executor const& executor, descriptor socket, greeting const& own);
  client_link(client_link const&) = delete;
  client_link& operator=(client_link const&) = delete;
  ~client_link() override;

  void start();
  bool has_greeted() const noexcept { return protocol_.is_open(); }
  bool is_over() const noexcept { return over_; }
  /// Disconnects a client that is late with its greeting.
  void on_time(server_protocol::clock::time_point now);
  /// Tells the client that no more calls are taken; when its calls are answered, it is disconnected.
  /// `at_once`: also if it has not opened its session; else it is told after that.
  void finish(bool at_once);
  /// Sends descriptors to the client, behind all that was sent before. Returns false if that is not possible without waiting.
  bool pass(std::span<int const> descriptors);
  /// True when nothing more is to be sent.
  bool is_finished() const;
  /// The client has said that it makes no more calls.
  bool has_said_end() const noexcept { return protocol_.now() == server_protocol::state::half_closed; }
  /// Disconnects the client. The session goes on without this connection.
  void close() noexcept;

  buffer& out() override { return wire_.out(); }
  void flush() override;
  std::size_t unsent() const override { return static_cast<std::size_t>(wire_.queued_bytes() - wire_.flushed_bytes()); }
  std::size_t frame_limit() const override { return protocol_.frame_limit(); }
  void on_progress() override;

 private:
  using stream = boost::asio::posix::stream_descriptor;

  session_terms on_open(session_token const& token) override;
  void on_call(std::uint64_t id, call_head const& head, std::span<std::byte const> arguments) override;
  void on_acknowledge(std::uint64_t id) override { session_->acknowledge(id); }
  void on_cancel(std::uint64_t id, boost::asio::cancellation_type how) override { session_->cancel(id, how); }
  void on_end() override {}
  void on_stop() override;
  void on_hand_over() override { owner_.on_hand_over(*this); }

  template <class F>
  void guarded(F f) noexcept;
  bool may_take() const noexcept;
  void read();
  void take();
  void wait_for_input();
  void wait_for_room();
  void close_if_done();
  void leave_session() noexcept;

  link_owner& owner_;
  endpoint wire_;
  stream watch_;
  server_protocol protocol_;
  std::shared_ptr<call_session> session_;
  std::shared_ptr<call_session> former_session_;  // which may be in the midst of something, as long as this object lives
  bool reading_ = false;
  bool writing_ = false;
  bool taking_ = false;
  bool finishing_ = false;
  bool to_be_opened_ = false;   // finishing, and the client is to be told when it has opened its session
  bool farewell_said_ = false;  // all that was read is answered
  bool asked_to_stop_ = false;  // this client waits for the end of the daemon's process
  bool over_ = false;
  std::shared_ptr<client_link*> alive_ = std::make_shared<client_link*>(this);
};

}  // namespace procx::inline v1::detail
