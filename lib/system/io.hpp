#pragma once

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

#include <poll.h>
#include <sys/uio.h>

namespace procx::inline v1::detail {

using deadline = std::optional<std::chrono::steady_clock::time_point>;  ///< none: as long as it takes

/// What one read or write came to.
struct io_result {
  std::size_t bytes = 0;
  bool would_block = false;
  bool end = false;  ///< of a read: end of file; of a write: nobody reads any more
  boost::system::error_code error = {};
};

io_result read_some(int fd, std::span<std::byte> into) noexcept;
/// Never raises SIGPIPE, and takes no signal that somebody else raised.
io_result write_some(int fd, std::span<std::byte const> from) noexcept;
io_result write_some(int fd, std::span<iovec const> from) noexcept;
/// As `write_some`, to a file: that it would become larger than a file of this process may be (SIGXFSZ) is an error too.
io_result write_to_file(int fd, std::span<std::byte const> from) noexcept;
/// What `write_some` does on kernels without RWF_NOSIGNAL.
io_result write_with_signal_blocked(int fd, std::span<iovec const> from) noexcept;

/// Waits for one of the descriptors (−1 entries are passed over); false once the deadline has passed.
bool poll_until(std::span<pollfd> fds, deadline until);

}  // namespace procx::inline v1::detail
