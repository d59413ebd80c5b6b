#pragma once

#include <cstddef>
#include <functional>

#include <sys/types.h>

namespace bench {

/// Writes all of it. Throws std::system_error.
void write_all(int fd, void const* from, std::size_t size);
/// Reads so many bytes; false if the other side has closed before the first.
bool read_all(int fd, void* into, std::size_t size);
/// Reads what is there, at least a byte; 0 at the end.
std::size_t read_some(int fd, void* into, std::size_t size);

/// A forked process and a pipe in each direction, by system calls alone: what the peers by hand are made of.
class raw_worker {
 public:
  /// The body runs in the child, with the descriptors that it reads from and writes to; all others are closed there.
  explicit raw_worker(std::function<void(int in, int out)> const& body, int pipe_size = 0);
  raw_worker(raw_worker&& other) noexcept;
  raw_worker& operator=(raw_worker&&) = delete;
  /// Closes the pipes and waits for the child, which is to end then.
  ~raw_worker();

  int to() const noexcept { return to_; }
  int from() const noexcept { return from_; }

 private:
  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
};

}  // namespace bench
