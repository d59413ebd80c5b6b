#pragma once

#include <procx/version.hpp>

#include <procx/detail/wire/frame.hpp>

#include <chrono>
#include <cstddef>
#include <string>

namespace procx::inline v1 {

/// How a program is connected to a daemon. A plain value.
struct connect_options {
  /// Time for which a broken connection is tried again, from the moment when it broke. Calls that have no answer go on then: the
  /// daemon keeps the answers that did not arrive, so that no call is run twice, for `daemon_options::keep_answers`. If the
  /// daemon itself was killed and another one was started meanwhile, they are run again there. 0 means: when the connection
  /// breaks, they fail.
  std::chrono::nanoseconds reconnect{0};
  /// Name of the session, with `reconnect`. A program that was killed and connects again under the same name, and makes the same
  /// calls in the same order, gets the answers of the first time, as far as it had not taken them. Of two connections with one
  /// name the older one is closed. Empty: no other connection can have the session.
  std::string session = {};
  /// Largest encoded call or result, in bytes; at least 64 KiB. The daemon has a limit as well.
  std::size_t frame_limit = detail::default_frame_limit;
};

}  // namespace procx::inline v1
