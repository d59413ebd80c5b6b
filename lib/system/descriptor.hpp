#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include <unistd.h>

namespace procx::inline v1::detail {

/// Owns a file descriptor of procx's own: closed at the end, closed on exec, and closed at once in every process that
/// procx creates, unless it was meant for that one.
///
/// In a child that inherited the object by a fork the destructor leaves the number alone: procx's own children have
/// closed it long ago, and it may be something else by then.
class descriptor {
 public:
  descriptor() noexcept = default;
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)), generation_(other.generation_) {}
  descriptor& operator=(descriptor&& other) noexcept {
    descriptor moved(std::move(other));
    std::swap(fd_, moved.fd_);
    std::swap(generation_, moved.generation_);
    return *this;
  }
  ~descriptor() { close(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void close() noexcept;
  /// The descriptor is this process's from now on, wherever it was created: the child's end of a channel.
  void adopt() noexcept;

  /// Marks a descriptor that was just created; to be called under `hold_forks`. −1 throws what errno says.
  static descriptor take(int fd, char const* what);

 private:
  int fd_ = -1;
  unsigned generation_ = 0;
};

/// A pipe, or a connected pair of sockets: [0] is where is read, [1] where is written.
std::pair<descriptor, descriptor> make_pipe();
/// Lets the pipe hold so many bytes, if the system gives them: those of one user have a limit.
void ask_for_pipe_size(descriptor const& pipe, std::size_t size) noexcept;
std::pair<descriptor, descriptor> make_socket_pair(int type);
descriptor open_pidfd(pid_t pid);
/// Another number for the same open file.
descriptor duplicate(int fd);
/// The same, out of the way of code that closes and opens low numbers as if they were all its own.
descriptor duplicate_high(int fd);

/// dup2 that no signal interrupts. Async-signal-safe.
int duplicate_onto(int fd, int number) noexcept;

void set_nonblocking(int fd, bool on);

/// For a descriptor that other code made and closes, such as a reactor's.
void mark_descriptor(int fd) noexcept;
void unmark_descriptor(int fd) noexcept;

/// In a new child: closes all descriptors of procx's but those to keep, and forgets them. Async-signal-safe.
void close_inherited(std::span<int const> keep) noexcept;

/// Raises the soft limit of open descriptors to the hard one, once in a process.
void raise_descriptor_limit() noexcept;

}  // namespace procx::inline v1::detail
