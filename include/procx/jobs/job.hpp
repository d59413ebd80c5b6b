#pragma once

#include <procx/version.hpp>

#include <procx/jobs/job_status.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

// Commands that run in the background, and are met at the path of a socket: docs/jobs.md.
namespace procx::inline v1 {

/// The size of a terminal, in characters.
struct window_size {
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
};

/// How a job is started. A plain value.
struct job_options {
  /// The command gets a terminal of its own instead of pipes.
  bool terminal = false;
  window_size window = {};
  /// The command's standard input is what attached programs send. False: it is empty.
  bool input = true;
  /// The command's working folder. Empty: that of the caller.
  std::filesystem::path folder = {};
};

/// Starts a command in the background, under a supervisor: a small process that outlives this one, and listens at the address.
/// Returns when the command runs, that is, when it has been executed.
///
/// `command`: the name of a program, which is searched for in PATH, and its arguments. It leads a session and a process group, has
/// the environment, the working folder and the umask of the caller, and dies if its supervisor is killed. PROCX_JOB in its
/// environment is the address. What it writes goes to the file ADDRESS.log, all of it. The supervisor lives until the command
/// and everything that it has started have ended. What is known of the job is then still in ADDRESS.job, until the next start
/// there or `remove_job`. The supervisor is a copy of this process: descriptors of the program stay open in it, except procx's own.
/// The command gets none but its standard streams.
///
/// Throws `boost::system::system_error` if the command cannot be executed, with the system's code; connection_error if there is
/// another live process at the address, the path names a file that is not a socket, or files cannot be created there;
/// std::invalid_argument if the command is empty. Thread-safe. Cannot be cancelled. Cost: four forks.
/// \code
/// px::start_job("/run/user/1000/build.sock", {"make", "-j8"});
/// px::job_status end = *px::wait_for_job("/run/user/1000/build.sock");
/// \endcode
job_status start_job(std::filesystem::path const& address, std::vector<std::string> const& command,
                     job_options const& options = {});

/// Returns what is known of the job at the address, whether or not its supervisor is alive. Throws connection_error if there has
/// never been one, or it is another user's; protocol_error if what is there is no job.
job_status status_of_job(std::filesystem::path const& address);

/// Waits for the end of the command, and returns its status; empty once the time is up. What the command has started, and left
/// running, is not waited for. Throws as `status_of_job`.
std::optional<job_status> wait_for_job(std::filesystem::path const& address,
                                       std::optional<std::chrono::nanoseconds> timeout = std::nullopt);

/// How a job is stopped. A plain value.
struct stop_options {
  /// What the processes of the job are sent first.
  int signal = SIGTERM;
  /// Time from that to SIGKILL. 0 means: they are killed at once.
  std::chrono::milliseconds grace = std::chrono::seconds(10);
  /// The command's input ends, and it is waited for, as long as it takes. Only what it leaves running is stopped.
  bool drain = false;
};

/// Ends all processes of the job, also those that have left the command's process group. Returns when none is left, and the address is
/// free. Does nothing if there is none. Also ends what a killed supervisor has left behind. Throws as `status_of_job`.
job_status stop_job(std::filesystem::path const& address, stop_options const& options = {});

/// Removes what is left of a job that has ended: what is known of it, and its output. Throws connection_error if it has not, with
/// the code EADDRINUSE.
void remove_job(std::filesystem::path const& address);

/// How a program attaches itself to a job. A plain value; descriptors stay the caller's.
struct attach_options {
  /// What is read here is sent to the command, and so is its end. −1: nothing is.
  int input = -1;
  /// What the command writes is written here. −1: nowhere.
  int output = 1;
  /// Only what is written from now on. False: from the beginning.
  bool from_now = false;
  /// A character of the input that ends the attachment, and is not sent.
  std::optional<char> detach_key = {};
  /// For a job with a terminal: the size of this side's window. Called at first, and each time that something can be read from
  /// `window_changed`, such as a signalfd of SIGWINCH.
  std::function<window_size()> window = nullptr;
  int window_changed = -1;
};

/// What became of an attachment.
struct attach_result {
  job_status job;
  bool detached = false;  ///< by the key, or because nobody reads the output any more: the job goes on
};

/// Follows the output of a job, sends it input, and returns when the command has ended and all that it has written was copied. Any
/// number of programs may be attached to a job. One that does not take its output holds up nobody.
///
/// Throws as `status_of_job`; `boost::system::system_error` if the output cannot be written. Blocks while `output` does. Cost: what
/// was written is copied from ADDRESS.log, by sendfile(2) where possible; the supervisor has no part in it.
attach_result attach_job(std::filesystem::path const& address, attach_options const& options = {});

}  // namespace procx::inline v1
