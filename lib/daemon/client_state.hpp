#pragma once

#include "address/address.hpp"
#include "daemon/client_calls.hpp"
#include "daemon/client_protocol.hpp"
#include "pool/serial_context.hpp"
#include "system/descriptor.hpp"
#include "system/generation.hpp"
#include "system/io.hpp"

#include <procx/detail/daemon/client_core.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// What is behind a connection to a daemon.
///
/// One thread at a time is the *reader*: it connects, reads and completes operations, without the lock. Threads that wait for an
/// answer are readers in turn; if none waits, a handler on the loop is, as long as calls are under way that nobody waits for.
/// Whoever has something to send writes it under the lock, as far as that does not block.
class client_core::state final : public std::enable_shared_from_this<state>, private client_protocol::events {
 public:
  state(std::filesystem::path const& at, connect_options const& options,
        std::optional<boost::asio::any_io_executor> const& executor);
  ~state() override;

  void connect();
  std::uint64_t begin(named_call const& call, std::unique_ptr<operation>&& op, bool on_loop, bool flushes);
  void flush();
  void wait(std::atomic<bool> const& done);
  void cancel(std::uint64_t id, boost::asio::cancellation_type how);
  void stop_daemon();
  std::size_t window();
  serial_context& context();
  bool foreign() const noexcept { return made_in_ != generation(); }
  /// By the owner's destructor.
  static void shut(std::shared_ptr<state> self) noexcept;

 private:
  using clock = std::chrono::steady_clock;
  using lock = std::unique_lock<std::mutex>;
  using stream = boost::asio::posix::stream_descriptor;

  /// A socket and what has come from it, for the reader.
  struct line {
    line(descriptor s, greeting own, session_token const& token, clock::time_point until);
    descriptor socket;
    client_protocol protocol;
    frame_reader reader;
    clock::time_point greets_until;
    buffer answers;  ///< to frames that have come
  };
  static constexpr std::size_t few = 2;  // calls that nobody waits for: each leaves at once
  enum class patience { none, until_readable };

  // From the protocol, for the reader.
  void on_opened(session_terms const& terms) override;
  void on_value(std::uint64_t id, std::span<std::byte const> value) override;
  void on_failure(std::uint64_t id, std::exception_ptr error) override;
  void on_end(bool all_answered) override;

  void check_ours() const;
  // With the lock.
  void write_out();
  void write_now_or_soon(bool on_loop);
  void need_loop();
  serial_context& made_context();
  void leave_reading(lock& l);
  // As the reader, with the lock, which is released meanwhile.
  void read(lock& l, patience how);
  void try_to_connect(lock& l);
  void wait_to_connect(lock& l);
  void break_line(lock& l, std::exception_ptr why, bool for_good = false);
  // As the reader, without it.
  bool receive(line& from, patience how, bool wants_room);
  void take_frames(line& from);
  void finish(std::uint64_t id, raw_result result);
  void acknowledge(std::uint64_t id);
  static void fail_all(std::vector<std::unique_ptr<operation>> all, std::exception_ptr const& why) noexcept;
  // On the loop.
  /// Calls the member, unless the connection has gone.
  auto handler(void (state::*then)()) {
    return [weak = weak_from_this(), then](boost::system::error_code error) {
      auto const self = error == boost::asio::error::operation_aborted ? nullptr : weak.lock();
      if (self) (*self.*then)();
    };
  }
  void watch();
  void on_readable();
  void on_writable();
  void watch_later();
  void end() noexcept;

  unsigned const made_in_ = generation();
  std::filesystem::path const path_;
  std::size_t const frame_limit_;
  std::chrono::nanoseconds const reconnect_;
  session_token const token_;
  std::optional<boost::asio::any_io_executor> const executor_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;  // there is no reader, or an answer has come
  std::unique_ptr<line> line_;       // the reader replaces it
  std::uint64_t line_number_ = 0;
  std::size_t limit_;  // of a frame, in bytes: what the daemon takes too
  client_calls calls_;
  buffer out_;
  std::size_t sent_ = 0;  // of out_
  bool open_ = false;
  bool none_has_run_ = false;  // of the calls without an answer: the daemon ends
  bool is_last_ = false;  // no other connection is to be made
  bool closing_ = false;
  bool reading_ = false;
  std::size_t waiting_ = 0;  // threads
  std::exception_ptr broken_;  // for good
  clock::time_point try_until_{};
  clock::time_point next_try_{};
  std::unique_ptr<serial_context> context_;
  bool watching_ = false;       // a handler on the loop waits for answers, or is posted
  bool watching_room_ = false;  // likewise for room to write
  bool writes_soon_ = false;    // a handler is posted that writes

  // On the loop.
  std::optional<stream> watch_;
  descriptor watched_;
  std::uint64_t watched_number_ = 0;
  std::optional<boost::asio::steady_timer> timer_;
};

}  // namespace procx::inline v1::detail
