#include "background/call_process.hpp"

#include "address/death_record.hpp"
#include "channel/created.hpp"
#include "process/fork.hpp"

#include <procx/channel/start_options.hpp>

#include <chrono>
#include <csignal>
#include <iostream>
#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::chrono::seconds time_to_stop{2};

}  // namespace

call_process::call_process(std::size_t frame_limit, std::function<void(channel&)> const& body) : wire_(frame_limit) {
  auto ends = make_endpoints(transport::pipe, frame_limit);
  auto const kept = ends.there.descriptors();
  process_ = fork_process({.keep = kept, .capture_stderr = true, .notes_crashes = true}, [&] {
    channel up = make_created_channel({.frame_limit = frame_limit}, std::move(ends.there));
    return run_created(up, body);
  });
  wire_ = std::move(ends.here);
}

void call_process::add_to(std::vector<pollfd>& fds, kept_results const& kept) const {
  if (over_) return;
  fds.push_back({process_->pidfd(), POLLIN, 0});
  fds.push_back({process_->errors().fd(), POLLIN, 0});
  fds.push_back({wire_.ended() || kept.full() ? -1 : wire_.in_fd(), POLLIN, 0});
}

void call_process::pump(kept_results& kept) {
  if (over_) return;
  process_->errors().drain();
  if (!kept.full() && !wire_.ended() && wire_.fill()) take_frames(kept);
  if (process_->try_wait()) end(kept);
}

void call_process::take_frames(kept_results& kept) try {
  while (auto const f = malformed_ ? std::nullopt : wire_.next()) {
    switch (f->kind) {
      case frame_kind::value:
      case frame_kind::exception: kept.add(f->kind, 0, f->payload); break;
      case frame_kind::end: ended_orderly_ = true; break;
      default: throw protocol_error("a frame came from the callable that has no meaning");
    }
  }
} catch (protocol_error const& e) {
  std::cerr << "procx: the callable's channel is damaged: " << e.what() << std::endl;
  malformed_ = true;
  ended_orderly_ = false;
  process_->kill(SIGKILL);
}

/// After the end of the process, all its output is in the pipe.
void call_process::end(kept_results& kept) {
  while (!wire_.ended() && wire_.fill()) take_frames(kept);
  if (!ended_orderly_) {
    buffer record;
    encode_death(record, process_->certificate());
    kept.add(frame_kind::exception, tells_death, record);
  }
  over_ = true;
  wire_.close();
}

void call_process::stop() noexcept {
  if (over_) return;
  try {
    process_->kill(SIGTERM);
    if (process_->wait_until(std::chrono::steady_clock::now() + time_to_stop)) return;
    process_->kill(SIGKILL);
    process_->wait_until(std::nullopt);
  } catch (...) {
    process_->kill(SIGKILL);
  }
}

}  // namespace procx::inline v1::detail
