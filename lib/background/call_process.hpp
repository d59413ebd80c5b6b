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

/// The child process in which the callable of a background process runs. A crash of the callable is a result, and does not end
/// the background process. Everything that the callable sends is stored at once.
class call_process {
 public:
  /// Forks it.
  call_process(std::size_t frame_limit, std::function<void(channel&)> const& body);

  /// Adds the descriptors to poll: none once the process is over.
  void add_to(std::vector<pollfd>& fds, kept_results const& kept) const;
  /// Stores results that have arrived, and notices the end of the process. Never blocks.
  void pump(kept_results& kept);
  /// True when the process has ended and all its results are stored.
  bool over() const noexcept { return over_; }
  /// Sends SIGTERM, and SIGKILL after 2 s.
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
