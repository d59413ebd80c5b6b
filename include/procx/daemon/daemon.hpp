#pragma once

#include <procx/version.hpp>

#include <procx/detail/wire/frame.hpp>
#include <procx/dispatch/registered_task.hpp>
#include <procx/process/worker_count.hpp>
#include <procx/process/worker_limits.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>

#include <sys/types.h>

namespace procx::inline v1 {

/// How a daemon runs the calls of its clients. A plain value.
struct daemon_options {
  /// Number of worker processes. They start on demand.
  worker_count workers = {};
  /// Called once in the daemon, before its workers are forked: they share what it has made. May not leave threads behind. What
  /// it throws is thrown by `start_daemon`.
  std::function<void()> prepare = nullptr;
  /// Called in each worker before its first call, and after its last one.
  std::function<void()> setup = nullptr;
  std::function<void()> teardown = nullptr;
  /// Number of retries for a failed call. Exceptions and crashes are counted separately: each may use up this number.
  unsigned retries = 0;
  /// Time limit for one call, counted from its start. 0 means no limit.
  std::chrono::nanoseconds task_timeout{0};
  /// Time between asking a worker to end and killing it. 0 means: it is killed at once.
  std::chrono::nanoseconds grace = std::chrono::seconds(1);
  /// Memory limit per worker, in bytes, on top of what it uses before its first call. 0 means no limit.
  std::size_t memory_limit = 0;
  /// Priority, processors, resources of the workers, and for how long each is kept.
  worker_limits limits = {};
  /// Idle time after which a worker is ended. 0 means never.
  std::chrono::nanoseconds idle_timeout = std::chrono::seconds(30);
  /// Largest encoded call or result, in bytes; at least 64 KiB.
  std::size_t frame_limit = detail::default_frame_limit;
  /// Maximum number of unanswered calls of one client. Beyond it the daemon stops reading from that client.
  std::size_t calls_per_client = 4096;
  /// Time for which the answers of a client whose connection broke are kept, if it has asked for that by
  /// `connect_options::reconnect`; rounded up to seconds. 0 means: not at all.
  std::chrono::nanoseconds keep_answers = std::chrono::seconds(60);
  /// Time limit for the calls that are under way when the daemon is told to stop. After that their workers are killed. 0 means
  /// no limit.
  std::chrono::nanoseconds drain = std::chrono::seconds(10);
  /// For `start_daemon`: if a daemon listens at the address, this one takes its place, when `prepare` is done. It gets the
  /// listening socket, so that no connection is refused meanwhile; the older one answers the calls that it has, tells its clients to
  /// connect again (`px::connection` does so by itself), and ends. Sessions whose connections are broken at that moment are lost.
  bool take_over = false;
};

/// Starts a daemon that serves the functions that this program has registered by `PROCX_TASK`, at the path of a UNIX socket.
/// Returns its process id as soon as clients can connect. It outlives this program, and runs until `stop_daemon`, SIGTERM or
/// SIGINT.
///
/// Its process, its log and its other files are as those of `background_callable`. It serves any number of clients of the same
/// user, or root. Each client's calls are begun in the order in which they were made, and clients share the workers
/// evenly. A crash, a leak or an exception of a function costs the call that caused it.
///
/// Throws connection_error if another process listens at the address, if the path names a file that is not a socket, or if files
/// cannot be created there; process_died, with the exit status and the end of the log, if the process ends before it listens;
/// remote_exception if `prepare` has thrown; `boost::system::system_error` if the system has no room for a process. Cannot be
/// cancelled. Cost: three forks, and `prepare`.
/// \code
/// std::vector<std::string> look_up(std::string word) { … }
/// PROCX_TASK(look_up);
/// px::start_daemon("/run/user/1000/words.sock", {.workers = 4, .prepare = load_words});
/// \endcode
pid_t start_daemon(std::filesystem::path const& address, daemon_options const& options = {});

/// Serves as `start_daemon` does, in this process, until it is stopped. For service managers: a socket that was passed by one
/// (LISTEN_FDS) is used instead of the address, which may be empty then, and belongs to the manager. If NOTIFY_SOCKET is set,
/// READY=1 is sent when clients can connect, STOPPING=1 at the end, and WATCHDOG=1 as often as WATCHDOG_USEC asks for. These
/// variables are removed from the environment.
///
/// The process keeps its terminal, folder and output. SIGTERM and SIGINT are blocked in the calling thread meanwhile, and stop the
/// daemon: call it before there are other threads. Returns when the last call is answered. Throws connection_error as
/// `start_daemon`, and if what was passed is no UNIX stream socket that listens; what `prepare` throws.
/// \code
/// int main() { px::run_daemon("/run/user/1000/words.sock", {.prepare = load_words}); }
/// \endcode
void run_daemon(std::filesystem::path const& address, daemon_options const& options = {});

/// Stops the daemon at the address, and returns when its process has ended. It takes no more calls, answers those that it has
/// (see `daemon_options::drain`), and removes its files first of all: another daemon can be started there at once.
///
/// Throws connection_error if no daemon listens at the address, or it belongs to another user than this one and root.
void stop_daemon(std::filesystem::path const& address);

}  // namespace procx::inline v1
