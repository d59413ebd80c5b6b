#pragma once

#include "address/address.hpp"
#include "endpoint/endpoint.hpp"
#include "endpoint/handshake.hpp"
#include "jobs/job_frames.hpp"
#include "system/io.hpp"

#include <cstdint>
#include <optional>

namespace procx::inline v1::detail {

/// A client's connection to a supervisor.
class job_line {
 public:
  /// Connects, and greets. Throws connection_error if nobody listens, or it is another user's process.
  explicit job_line(address const& at);

  int fd() const noexcept { return wire_.in_fd(); }
  bool has_unsent() const noexcept { return wire_.queued_bytes() != wire_.flushed_bytes(); }
  /// Where requests are written to; they leave by `flush`.
  buffer& out() noexcept { return wire_.out(); }
  void flush() { wire_.flush(); }

  /// Takes in what has come.
  void fill();
  /// The next frame; valid until `fill`. Throws protocol_error.
  std::optional<frame> next() { return wire_.next(); }
  bool ended() const noexcept { return broken_ || wire_.ended(); }

  /// Waits for the `state` that answers the request with this id. Empty once the time is up, or if the supervisor has gone, which
  /// `ended` tells apart.
  std::optional<job_record> await_state(std::uint64_t id, deadline until);

 private:
  void greet();
  bool wait(deadline until);

  endpoint wire_;
  bool broken_ = false;
};

}  // namespace procx::inline v1::detail
