#pragma once

#include "background/kept_results.hpp"
#include "endpoint/endpoint.hpp"
#include "process/process_state.hpp"

#include <procx/channel/channel.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <poll.h>

namespace procx::inline v1::detail {

/// The process in which the callable of a background process runs, so that a crash of it is a result and not the end. What it
/// sends is taken whether or not anybody wants it.
class call_process {
 public:
  /// Forks it.
  call_process(std::size_t frame_limit, std::function<void(channel&)> const& body);

  /// What is to be waited for: nothing once it is over.
  void add_to(std::vector<pollfd>& fds, kept_results const& kept) const;
  /// Takes in what has come, and its end. Never blocks.
  void pump(kept_results& kept);
  /// It has ended, and all that it sent is kept.
  bool over() const noexcept { return over_; }
  /// SIGTERM; after a while SIGKILL.
  void stop() noexcept;

 private:
  void take_frames(kept_results& kept);
  void end(kept_results& kept);

  std::unique_ptr<process_state> process_;
  endpoint wire_;
  bool ended_orderly_ = false;
  bool malformed_ = false;
  bool over_ = false;
};

}  // namespace procx::inline v1::detail
