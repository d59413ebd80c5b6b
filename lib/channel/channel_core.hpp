#pragma once

#include "endpoint/endpoint.hpp"
#include "endpoint/handshake.hpp"

#include <procx/channel/channel.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

namespace procx::inline v1::detail {

class channel_async;

/// What is behind a `channel`: an endpoint, the process at its other end, and the rules of their conversation.
class channel_core {
 public:
  /// The creating side.
  channel_core(endpoint wire, process child, bool acknowledged);
  /// The created side.
  channel_core(endpoint wire, bool acknowledged);
  /// No connection at all: shows what `offer` is given, as if it had been received from that process.
  explicit channel_core(pid_t shown_as);
  ~channel_core();

  pid_t pid() const noexcept { return shown_as_ ? shown_as_ : child_.pid(); }
  void offer(encoded_value const& value);
  void offer(std::exception_ptr failure) noexcept { offered_failure_ = std::move(failure); }
  void withdraw_offers() noexcept;
  /// Whether something is offered, and nobody has taken it.
  bool offers() const noexcept { return offered_ || offered_failure_; }

  /// A number that an owner of many channels may give this one.
  std::size_t tag = 0;
  /// Called before descriptors are closed that somebody else may have registered somewhere.
  std::function<void()> before_close;

  endpoint& wire() noexcept { return wire_; }
  process& child() noexcept { return child_; }
  bool created_side() const noexcept { return created_side_; }
  void use_executor(boost::asio::any_io_executor executor) { executor_ = std::move(executor); }
  std::optional<boost::asio::any_io_executor> const& executor() const noexcept { return executor_; }
  channel_async& async();
  /// What is under way asynchronously completes with operation_aborted; nothing is watched any more.
  void end_async() noexcept;
  /// Throws if this process is not the one that the channel was made for.
  void check_owner() const;
  bool foreign() const noexcept { return generation_ != generation_now(); }

  // Sending: a frame is written between begin and commit; `flush_blocking` sees it off.
  buffer& begin_send();
  void abandon_send() noexcept { writer_.abandon(); }
  void commit_send();
  void flush_blocking();
  void send_exception(std::exception_ptr const& error) noexcept;
  /// Tells the other side that nothing more will come. Never blocks.
  void send_end() noexcept;
  bool end_sent() const noexcept { return end_sent_; }
  std::uint64_t last_sent() const noexcept { return last_id_; }
  bool acknowledged() const noexcept { return acknowledged_; }
  std::uint64_t last_acknowledged() const noexcept { return acked_; }

  /// The next value's bytes, valid until the next call; empty if none has arrived as yet. Throws remote_exception.
  std::optional<encoded_value> take();
  /// Whether `take` would give or throw something.
  bool has_message();
  /// Whether `take` would throw what the callable threw: nothing comes after that.
  bool next_is_exception() {
    return has_message() && !stash_.empty() && stash_.front().kind == frame_kind::exception;
  }
  /// Keeps what has arrived for `take`, as far as that may be; the other side learns that it was received.
  void accept_arrived();
  /// Whether more is to be read: not while much waits to be taken. A value that is not whole yet is taken to its end.
  bool may_read() const;
  /// Whether the way out is needed after the last value, for the other side's values.
  bool owes_acknowledgements() const noexcept { return acknowledged_ && !wire_.ended(); }
  /// Nothing more can come.
  bool over() const noexcept { return end_seen_ || wire_.ended() || gone_; }
  /// Why nothing more can come: end_of_channel or process_died. Waits for a process that is just dying, until then.
  /// Null if it would have to wait longer.
  std::exception_ptr why_over(deadline until);
  /// Greets another program, and takes nothing from it before it has greeted too.
  void greet(handshake h);

  /// The process has ended, and all that it wrote is in.
  bool gone() const noexcept { return gone_; }
  bool ended_orderly() const noexcept { return end_seen_; }

  /// Takes in what has arrived, sends what can be sent, passes on the process's last words. Never blocks.
  void pump();
  void pump_wire();
  void drain_stderr();
  /// The end is awaited, and nobody takes anything meanwhile: what comes beyond that which may wait is thrown away, so that
  /// the process can come to its end. Never blocks.
  void take_in_or_throw_away();
  /// Waits for anything that `pump` can do something about, or for the end of the process, and does it.
  bool wait_io(deadline until);

  /// To be called when the pidfd is readable: reaps the process, and takes in what it left behind.
  void note_end_of_process();

  std::optional<encoded_value> next_value(deadline until);
  std::optional<exit_status> wait_until(deadline until);
  void close() noexcept;

  std::shared_ptr<channel_core*> const& self() const noexcept { return self_; }

  /// The channel broke off, and the process was given its time to die and has not: nobody need wait for it again.
  bool given_up = false;
  /// How long a process whose channel broke off may take to be dead, before it counts as alive with a closed channel.
  static constexpr std::chrono::seconds dying_time{1};

 private:
  static unsigned generation_now() noexcept;
  [[noreturn]] void throw_over();
  /// Understands frames that are no values; the next one that is, if it is there.
  std::optional<frame> next_message();
  void understand_greeting(frame const& f);
  void stash(frame const& f);
  void stash_arrived();
  std::size_t untaken() const noexcept { return wire_.unread() + stash_bytes_; }

  struct stashed {
    frame_kind kind;
    std::uint8_t flags;
    std::uint64_t id;
    buffer payload;
  };

  unsigned generation_;
  endpoint wire_;
  frame_writer writer_{wire_.out()};
  std::optional<handshake> greeting_;  // until it is done
  process child_;
  bool created_side_;
  bool acknowledged_;
  bool end_sent_ = false;
  bool end_seen_ = false;
  bool gone_ = false;
  std::uint64_t last_id_ = 0;
  std::uint64_t acked_ = 0;
  pid_t shown_as_ = 0;
  std::optional<encoded_value> offered_;
  std::exception_ptr offered_failure_;
  std::deque<stashed> stash_;  // values that came while an acknowledgement was waited for
  std::size_t stash_bytes_ = 0;
  bool thrown_away_ = false;  // some of what came
  std::optional<stashed> current_;
  std::optional<boost::asio::any_io_executor> executor_;
  std::unique_ptr<channel_async> async_;
  std::shared_ptr<channel_core*> self_ = std::make_shared<channel_core*>(this);
};

}  // namespace procx::inline v1::detail
