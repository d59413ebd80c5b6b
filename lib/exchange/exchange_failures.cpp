// What becomes of a task of an exchange that fails in a process of its own: whether it is tried again, and what is known.
#include "exchange/exchange_core.hpp"

#include "dispatch/tasks/delayed_tasks.hpp"
#include "error/death_error.hpp"
#include "process/process_state.hpp"
#include "system/stop_level.hpp"

#include <procx/detail/system/from_now.hpp>

#include <csignal>
#include <utility>

namespace procx::inline v1::detail {

/// After an exception, or the death of its process. If it is to be tried again it waits once more, and nobody is told.
bool exchange_core::tries_again(member& m, bool exception) {
  if (!m.at.task || options_.continuous || m.killed_for || m.faulty || stop_level() > 0) return false;
  unsigned& count = exception ? m.at.exceptions : m.at.deaths;
  if (++count > options_.retries) return false;
  waiting_job again = std::move(m.at);
  if (options_.backoff.count() == 0) {
    waiting_.push_front(std::move(again));
  } else {
    auto const wait = backoff_after(again.exceptions + again.deaths, options_.backoff);
    delayed_.push_back({from_now(wait), std::move(again)});
    arm_tick();
  }
  return true;
}

/// The process of a task has died: what `receive` will say, with all that is known here.
void exchange_core::explain_death(member& m) {
  auto const* const dead = m.ch.core().child().state();
  if (!m.at.task || !dead || !dead->status()) return;
  if (dead->status()->success() && !m.killed_for) return;  // it has ended without a word, as it may
  death_certificate c = dead->certificate();
  c.task = m.at.index;
  c.attempt = m.at.exceptions + m.at.deaths + 1;
  if (m.killed_for)
    c.cause = *m.killed_for;
  else if (c.status.signal() == SIGKILL && oom_ && oom_->has_risen())
    c.cause = death_cause::out_of_memory;
  m.ch.core().offer(error_of(std::move(c)));
}

}  // namespace procx::inline v1::detail
