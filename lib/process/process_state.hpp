#pragma once

#include "process/crash_note.hpp"
#include "process/output_relay.hpp"
#include "process/resources/process_usage.hpp"
#include "system/descriptor.hpp"
#include "system/io.hpp"

#include <procx/error/certificate.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace procx::inline v1::detail {

/// How a process ended.
struct ending {
  exit_status status;
  process_usage usage = {};
};

/// Who can tell how a process ended, if its parent is not this process.
class status_source {
 public:
  virtual ~status_source() = default;
  /// The end, once the pidfd has become readable: unknown at worst. It may be that the one who reaps has not told yet: that is
  /// waited for, or there is none.
  virtual std::optional<ending> ending_of(pid_t pid, int pidfd, bool waits) = 0;
  /// Has the process sent a signal by the one who reaps it; false if it has ended. May be called by any thread.
  virtual bool kill(pid_t pid, int signal) noexcept = 0;
};

/// What is known of one created process. One object, one reaper.
class process_state {
 public:
  process_state(pid_t pid, descriptor pidfd, descriptor stderr_end, std::shared_ptr<status_source> source = {});
  ~process_state();

  pid_t pid() const noexcept { return pid_; }
  int pidfd() const noexcept { return pidfd_.get(); }
  output_relay& errors() noexcept { return errors_; }
  std::optional<exit_status> const& status() const noexcept { return status_; }
  /// What it has used, once it has ended.
  process_usage const& usage() const noexcept { return usage_; }
  /// Where it notes that it crashes, if it does.
  void look_for_crashes(std::shared_ptr<crash_note const> note) noexcept { crash_ = std::move(note); }
  /// All that is known here of its death.
  death_certificate certificate() const;

  /// `waits`: if it has ended, waits for the one who tells how.
  std::optional<exit_status> try_wait(bool waits = true);
  /// Whether it has ended, though it may not be known yet how.
  bool is_gone() const;
  std::optional<exit_status> wait_until(deadline until);
  bool kill(int signal) noexcept;
  /// Somebody else will reap it: nothing is left to do here.
  void leave_to_others() noexcept { status_ = exit_status(); }
  bool foreign() const noexcept;

 private:
  ending reap() noexcept;

  pid_t pid_;
  unsigned generation_;
  descriptor pidfd_;
  output_relay errors_;
  std::shared_ptr<status_source> source_;
  std::optional<exit_status> status_;
  process_usage usage_;
  std::shared_ptr<crash_note const> crash_;
};

/// Keeps a process that nobody waits for any more, until it has ended; and reaps some of those kept earlier.
void abandon(std::unique_ptr<process_state> state);
void reap_abandoned();

}  // namespace procx::inline v1::detail
