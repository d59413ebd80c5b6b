#include "dispatch/dispatcher.hpp"

#include "system/io.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include <unistd.h>

// How the dispatcher's workers leave: nobody waits for a result then, so whatever goes wrong is told here or never.

namespace procx::inline v1::detail {
namespace {

/// The error in one line.
std::string summary_of(std::exception_ptr const& error) {
  try {
    std::rethrow_exception(error);
  } catch (remote_exception const& e) {
    return e.type_name() + ": " + e.message();
  } catch (process_died const& e) {
    return e.status().known() ? e.status().to_string() : "ended, nobody knows how";
  } catch (std::exception const& e) {
    return e.what();
  }
}

std::string line_about(worker_link const& link, std::exception_ptr const& error) {
  std::string const who = "worker " + std::to_string(link.number()) + " (process " + std::to_string(link.pid()) + ")";
  std::string line;
  if (link.teardown_error())
    line = "the teardown of " + who + " threw " + summary_of(error);
  else if (link.overstayed())
    line = who + " was to leave, and was killed because it had not done so in time";
  else
    line = who + (link.retired() ? " was to leave, and " : " had nothing to do, and ") + summary_of(error);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

}  // namespace

std::size_t dispatcher::leaving() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(links_, [](auto const& link) { return link && link->retired(); }));
}

/// Whether there was a way to leave for a worker that has ended: it has worked, and was not in the midst of a task. One whose
/// nursery is gone, or that was killed because of a task, had none.
bool dispatcher::should_have_left(worker_link const& link) const noexcept {
  if (link.results() == 0 || link.was_killed() || link.begun() > 0) return false;
  return settings_.teardown || (link.retired() && !link.orphaned());
}

void dispatcher::look_at_ending(worker_link& link) noexcept {
  try {
    if (!link.teardown_error()) link.hear_last();
    std::exception_ptr error = link.teardown_error();
    if (!error) {
      auto const status = link.process().status();
      if (!should_have_left(link) || (status && status->success())) return;
      error = error_of_death(link, std::nullopt);
    }
    std::string line = line_about(link, error);
    if (settings_.log) {
      log(link, std::nullopt, line);
    } else {
      line = "procx: " + line + '\n';
      write_some(STDERR_FILENO, std::as_bytes(std::span(line)));
    }
    sink_.on_bad_ending(std::move(error));
  } catch (...) {
    // No memory to say it.
  }
}

}  // namespace procx::inline v1::detail
