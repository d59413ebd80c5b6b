#pragma once

#include "daemon/call_ledger.hpp"
#include "daemon/call_runner.hpp"
#include "daemon/server_protocol.hpp"
#include "dispatch/task_sink.hpp"
#include "pool/result_allowance.hpp"

#include <boost/asio/cancellation_type.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>

namespace procx::inline v1::detail {

/// The connection of a session, as the session sees it.
class session_link {
 public:
  virtual ~session_link() = default;
  /// Frames for the client; they leave at `flush`.
  virtual buffer& out() = 0;
  virtual void flush() = 0;
  /// Bytes that the client has not read.
  virtual std::size_t unsent() const = 0;
  /// Largest frame that the client takes, in bytes.
  virtual std::size_t frame_limit() const = 0;
  /// There may be room for more calls, or all are answered.
  virtual void on_progress() = 0;
};

/// The calls of one client: a lane of the daemon's dispatcher, and their answers. Bytes of calls and of values are passed on
/// as they are. On the daemon's loop.
class call_session final : public task_sink {
 public:
  struct limits {
    std::size_t calls = 4096;                        ///< most calls without an answer
    std::size_t bytes = std::size_t{16} << 20;       ///< of their arguments, unless it is one call
    std::size_t unsent = std::size_t{4} << 20;       ///< bytes of answers that the client has not read
    std::size_t unacknowledged = std::size_t{64} << 20;  ///< bytes of answers that are kept
    std::size_t ahead = std::size_t{64} << 20;       ///< bytes of answers that are to be expected
    std::size_t always = 2;                          ///< calls that may be under way whatever their answers take
    std::size_t at_first = 64;                       ///< calls that may be before anything is known of answers
  };

  /// `keeps`: the session outlives its connections. `broken` is told that the dispatcher has failed.
  call_session(call_runner& r, limits const& l, bool keeps, std::function<void(std::exception_ptr)> broken);

  /// Null: there is no connection for now.
  void set_link(session_link* link) noexcept {
    link_ = link;
    if (link) limit_ = link->frame_limit();
    ledger_.resume();
  }
  bool is_linked() const noexcept { return link_ != nullptr; }
  bool keeps() const noexcept { return ledger_.keeps(); }

  /// False while the client is to wait: it has more calls here than it was told it may have. A client that keeps to its limits
  /// is never stopped, so that its cancellations are heard.
  bool may_take() const noexcept;
  /// Gives the dispatcher calls that have come, as far as there is room for their answers: a client that does not read them has
  /// to wait. `pump` of the dispatcher comes next, if any were given.
  bool feed();
  /// A call has come. `pump` comes next.
  void call(std::uint64_t id, call_head const& head, std::span<std::byte const> arguments);
  void acknowledge(std::uint64_t id) noexcept { ledger_.acknowledged(id); }
  void cancel(std::uint64_t id, boost::asio::cancellation_type how);
  /// Returns true if all calls that have come are answered.
  bool idle() const noexcept { return lane_->unfinished() == 0 && waiting_.empty(); }
  bool all_acknowledged() const noexcept { return idle() && ledger_.answers() == 0; }

  void on_value(std::uint64_t id, worker_name const& from, encoded_value const& value) override;
  void on_values(std::uint64_t first, worker_name const& from, value_series const& values) override;
  void on_failure(std::uint64_t id, worker_name const& from, std::exception_ptr error) override;
  void on_progress() override;
  void on_broken(std::exception_ptr why) noexcept override { broken_(why); }

 private:
  /// A call whose arguments are so large that they are counted one by one.
  static constexpr std::size_t large = 4096;

  /// A call that has come and was not given to the dispatcher.
  struct waiting_call {
    std::uint64_t id;
    call_head head;
    buffer arguments;
  };

  bool may_begin() const noexcept;
  void begin(std::uint64_t id, call_head const& head, std::span<std::byte const> arguments);
  buffer& out() { return link_ ? link_->out() : nowhere_; }
  void fail(std::uint64_t id, std::exception_ptr const& error);
  template <class Write>
  void answer(std::uint64_t id, Write write);
  void forget_size(std::uint64_t id) noexcept;

  call_runner& runner_;
  limits const limits_;
  call_ledger ledger_;
  std::function<void(std::exception_ptr)> const broken_;
  session_link* link_ = nullptr;
  std::size_t limit_ = server_protocol::least_frame_limit;  // of the client that was here last
  buffer nowhere_;
  result_allowance allowance_;
  bool any_answered_ = false;
  std::deque<waiting_call> waiting_;
  std::unordered_map<std::uint64_t, std::size_t> large_calls_;
  std::size_t large_bytes_ = 0;
  std::unique_ptr<call_lane> const lane_;
};

}  // namespace procx::inline v1::detail
