#include "address/detached_process.hpp"

#include "process/fork.hpp"
#include "system/generation.hpp"
#include "system/io.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/error/outcome.hpp>
#include <procx/wire/codec.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <new>
#include <string>
#include <utility>

#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t log_shown = 4096;  // bytes

enum class start_result : std::uint8_t { listens, address_refused, system_refused, threw, died };

/// The outcome of starting a detached process, sent to the program that asked for it.
struct start_report {
  start_result result = start_result::died;
  std::int64_t pid = 0;
  int number = 0;  ///< errno, or `si_status` from waitid
  int how = 0;     ///< `si_code` from waitid
  std::string message = {};
  exception_record record = {};  ///< of what was thrown, if it is no error of the system's
};

void send_all(int fd, std::span<std::byte const> bytes) noexcept {
  while (!bytes.empty()) {
    auto const r = write_some(fd, bytes);
    if (r.error || r.end) return;  // the reader has died
    bytes = bytes.subspan(r.bytes);
  }
}

void send_report(descriptor const& to, start_report const& report) noexcept {
  try {
    buffer bytes;
    encode(bytes, report);
    send_all(to.get(), bytes);
  } catch (...) {
    // Out of memory: the exit status has to do.
  }
}

/// Reads until end of file.
buffer read_to_end(int fd) {
  buffer all;
  std::array<std::byte, 4096> piece;
  for (;;) {
    auto const r = read_some(fd, piece);
    if (r.end || r.error) return all;
    all.append(piece.data(), r.bytes);
  }
}

start_report failure_of(boost::system::system_error const& e, start_result what) {
  return {.result = what, .pid = ::getpid(), .number = e.code().value(), .message = e.what()};
}

/// Leaves the session, the working folder, the umask and the signal handlers of the program that started this process.
void detach() {
  forget_handlers();
  for (int const s : {SIGHUP, SIGPIPE, SIGCHLD}) std::signal(s, SIG_DFL);
  ::setsid();
  ::umask(077);
  if (::chdir("/") != 0) throw boost::system::system_error(errno, boost::system::system_category(), "chdir");
}

start_report report_of(std::exception_ptr const& error) try {
  std::rethrow_exception(error);
} catch (connection_error const& e) {
  return failure_of(e, start_result::address_refused);
} catch (boost::system::system_error const& e) {
  return failure_of(e, start_result::system_refused);
} catch (std::bad_alloc const& e) {
  return {.result = start_result::system_refused, .pid = ::getpid(), .number = ENOMEM, .message = e.what()};
} catch (...) {
  return {.result = start_result::threw, .pid = ::getpid(), .record = describe_exception(error)};
}

/// The main function of a detached process. Sends one report to `started`.
int live(address const& at, descriptor& started, detached_body const& body) try {
  detach();
  body(at, [&] {
    send_report(started, {.result = start_result::listens, .pid = ::getpid()});
    started.close();
  });
  return 0;
} catch (...) {
  auto const error = std::current_exception();
  if (!started) std::cerr << "procx: the process at " << at.path().string() << " ends: " << message_of(error) << std::endl;
  send_report(started, report_of(error));
  return 1;
}

/// The intermediate process of the double fork. It ends as soon as the detached process listens. If that process dies before,
/// this one, as its parent, reports how.
int start_and_leave(address& at, descriptor& report, detached_body const& body) {
  std::signal(SIGCHLD, SIG_DFL);  // SIG_IGN would discard the exit status
  auto started = make_pipe();
  pid_t const pid = ::fork();
  if (pid == 0) {
    started.second.adopt();
    at.folder().adopt();
    close_inherited(std::array{started.second.get(), at.folder_fd()});
    leave(live(at, started.second, body));
  }
  if (pid < 0) {
    send_report(report, {.result = start_result::system_refused, .number = errno, .message = "cannot fork"});
    return 1;
  }
  started.second.close();
  buffer said = read_to_end(started.first.get());
  if (said.empty()) {
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {}
    send_report(report, {.result = start_result::died, .pid = pid, .number = info.si_status, .how = info.si_code});
  } else {
    send_all(report.get(), said);
  }
  return 0;
}

}  // namespace

descriptor stop_signals_as_descriptor() {
  sigset_t stops;
  ::sigemptyset(&stops);
  ::sigaddset(&stops, SIGTERM);
  ::sigaddset(&stops, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  auto const held = hold_forks();
  return descriptor::take(::signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
}

pid_t start_detached(std::filesystem::path const& where, detached_body const& body) {
  address at(where);
  auto report = make_pipe();
  std::array<descriptor*, 2> kept{&at.folder(), &report.second};
  auto const starter = fork_process({.keep = kept, .capture_stderr = false},
                                    [&] { return start_and_leave(at, report.second, body); });
  report.second.close();
  buffer const said = read_to_end(report.first.get());
  auto const status = *starter->wait_until(std::nullopt);
  if (said.empty()) throw process_died(starter->pid(), status, {});
  auto const r = decode<start_report>(said.bytes());
  auto const code = boost::system::error_code(r.number, boost::system::system_category());
  switch (r.result) {
    case start_result::listens: return static_cast<pid_t>(r.pid);
    case start_result::address_refused: throw connection_error(r.message, code);
    case start_result::system_refused: throw boost::system::system_error(code, r.message);
    case start_result::threw: throw remote_exception(r.record);
    default: break;
  }
  throw process_died(static_cast<pid_t>(r.pid), exit_status::from_wait(r.how, r.number), at.end_of_log(log_shown));
}

}  // namespace procx::inline v1::detail
