#pragma once

#include <procx/version.hpp>

#include <procx/daemon/connect_options.hpp>
#include <procx/detail/pool/handler_home.hpp>
#include <procx/detail/system/operation.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_type.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

/// A call of a registered function, as bytes.
struct named_call {
  std::uint64_t name = 0;                    ///< `name_hash`
  std::uint64_t fingerprint = 0;             ///< `signature_fingerprint`
  std::span<std::byte const> bytes = {};     ///< by `save_named_call`
};

/// A connection to a daemon without its types: calls go out as bytes, and each answer to the operation that waits for it, once.
/// Thread-safe.
///
/// Answers are read by whichever thread waits for one; if none does and asynchronous calls are under way, on an executor: the
/// user's, or that of a thread of its own, which is started by the first asynchronous call.
class client_core {
 public:
  enum class answer_by {
    waiting,   ///< a thread will call `wait`
    executor,  ///< the operation is completed on the loop, or by a thread that waits for another answer
  };

  /// Connects. Throws connection_error if no daemon listens at the address, or it does not greet in 20 s, or belongs to another
  /// user than this one and root; protocol_error if it is none.
  client_core(std::filesystem::path const& address, connect_options const& options,
              std::optional<boost::asio::any_io_executor> executor);
  client_core(client_core const&) = delete;
  client_core& operator=(client_core const&) = delete;
  /// Calls without an answer fail with task_cancelled.
  ~client_core();

  /// Sends a call, or keeps it until the daemon has room for it. The operation is completed exactly once, maybe before this
  /// returns if the call cannot be made. Its number, from 1.
  std::uint64_t begin(named_call const& call, std::unique_ptr<operation>&& op, answer_by whom);
  /// The same, to be sent by `flush` or `wait`.
  std::uint64_t begin_later(named_call const& call, std::unique_ptr<operation>&& op);
  void flush();
  /// Waits until `done`, which an operation of a call sets.
  void wait(std::atomic<bool> const& done);
  /// Cancels a call, as Asio means it. Does nothing if it is over.
  void cancel(std::uint64_t id, boost::asio::cancellation_type how);
  /// May be called, and does nothing, after the connection has gone.
  static void cancel(std::weak_ptr<void> const& core, std::uint64_t id, boost::asio::cancellation_type how);
  std::weak_ptr<void> weak() const noexcept;

  /// Most calls that the daemon takes without an answer.
  std::size_t window() const;
  /// Of handlers that are bound to no executor.
  handler_home& home();
  /// Asks the daemon to stop, and waits until its process has ended.
  void stop_daemon();

 private:
  class state;
  std::shared_ptr<state> state_;
};

}  // namespace procx::inline v1::detail
