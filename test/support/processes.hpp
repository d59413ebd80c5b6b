#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// What tests use to make processes by hand, and to look at them from outside.
namespace processes {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool address_sanitized = true;
#elif defined(__has_feature)
inline constexpr bool address_sanitized = __has_feature(address_sanitizer);
#else
inline constexpr bool address_sanitized = false;
#endif
#if defined(__SANITIZE_THREAD__)
inline constexpr bool thread_sanitized = true;
#elif defined(__has_feature)
inline constexpr bool thread_sanitized = __has_feature(thread_sanitizer);
#else
inline constexpr bool thread_sanitized = false;
#endif
/// For tests that move much or start many: instrumented, they are many times slower.
inline constexpr bool sanitized = address_sanitized || thread_sanitized;

/// Runs the body in a fork() of the test's own, with the signals as they are by default. Its exit code; 128 and the
/// signal if one killed it; 125 if the body threw. Assertions do not count there, codes do.
inline int code_of_fork(std::function<int()> const& body) {
  pid_t const pid = ::fork();
  if (pid == 0) {
    for (int s : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTERM, SIGALRM}) ::signal(s, SIG_DFL);
    ::alarm(20);
    int code = 125;
    try {
      code = body();
    } catch (std::exception const& e) {
      std::cerr << "in a forked child: " << e.what() << std::endl;
    } catch (...) {
    }
    ::_exit(code);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// A check inside a forked child: on failure says where, and makes the child end with 1.
#define CHILD_CHECK(...)                                                                         \
  do {                                                                                           \
    if (!(__VA_ARGS__)) {                                                                        \
      std::cerr << __FILE__ << ':' << __LINE__ << ": not so in the child: " #__VA_ARGS__ << '\n'; \
      ::_exit(1);                                                                                \
    }                                                                                            \
  } while (false)

inline bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

/// Waits until the descriptor is readable, or hung up; a test that has to wait for longer has failed.
inline bool readable(int fd, std::chrono::milliseconds patience = std::chrono::seconds(10)) {
  pollfd p{fd, POLLIN, 0};
  int n = -1;
  do n = ::poll(&p, 1, static_cast<int>(patience.count()));
  while (n < 0 && errno == EINTR);
  return n > 0;
}

/// A descriptor that the test closes itself: procx knows nothing of it.
class own_fd {
 public:
  explicit own_fd(int fd = -1) noexcept : fd_(fd) {}
  own_fd(own_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  own_fd& operator=(own_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~own_fd() { close(); }
  int get() const noexcept { return fd_; }
  void close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

inline own_fd pidfd_of(pid_t pid) { return own_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

/// A pipe of the test's own: [0] is read, [1] written.
struct own_pipe {
  own_pipe() {
    int ends[2] = {-1, -1};
    if (::pipe(ends) != 0) std::terminate();
    read = own_fd(ends[0]);
    write = own_fd(ends[1]);
  }
  own_fd read, write;
};

/// All that comes until the end of the file.
inline std::string read_all(int fd) {
  std::string all;
  char chunk[4096];
  for (;;) {
    ssize_t const n = ::read(fd, chunk, sizeof chunk);
    if (n > 0) all.append(chunk, static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR)) return all;
  }
}

/// Reads exactly so many bytes; fewer at the end of the file.
inline std::string read_exactly(int fd, std::size_t size) {
  std::string all(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    ssize_t const n = ::read(fd, all.data() + got, size - got);
    if (n > 0) got += static_cast<std::size_t>(n);
    if (n == 0 || (n < 0 && errno != EINTR)) break;
  }
  all.resize(got);
  return all;
}

/// The state letter of a process in /proc: 'Z' for one that has ended and was not reaped, 0 if there is none.
inline char state_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(in, line)) return 0;
  std::size_t const end_of_name = line.rfind(')');
  return end_of_name != std::string::npos && line.size() > end_of_name + 2 ? line[end_of_name + 2] : '\0';
}

/// While it lives, what this process writes to its standard error goes into a pipe.
class stderr_capture {
 public:
  stderr_capture() : saved_(::dup(STDERR_FILENO)) {
    std::cerr.flush();
    ::fcntl(saved_.get(), F_SETFD, FD_CLOEXEC);
    ::fcntl(pipe_.write.get(), F_SETPIPE_SZ, 1 << 20);
    ::dup2(pipe_.write.get(), STDERR_FILENO);
    pipe_.write.close();
  }
  ~stderr_capture() { restore(); }
  /// Ends the capture, and gives what was written. Nobody else may hold the standard error by then.
  std::string text() {
    restore();
    return read_all(pipe_.read.get());
  }

 private:
  void restore() {
    if (saved_.get() < 0) return;
    ::dup2(saved_.get(), STDERR_FILENO);
    saved_.close();
  }
  own_pipe pipe_;
  own_fd saved_;
};

}  // namespace processes
