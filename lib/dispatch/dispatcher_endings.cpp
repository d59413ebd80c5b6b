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

std::string line_about(worker_name const& name, bool was_to_leave, worker_end const& end, std::exception_ptr const& error) {
  std::string const who =
      "worker " + std::to_string(name.number) + " (process " + std::to_string(name.process) + ")";
  std::string line;
  if (end.teardown_error)
    line = "the teardown of " + who + " threw " + summary_of(error);
  else if (end.overstayed)
    line = who + " was to leave, and was killed because it had not done so in time";
  else
    line = who + (was_to_leave ? " was to leave, and " : " had nothing to do, and ") + summary_of(error);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

}  // namespace

std::size_t dispatcher::leaving() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(seats_, [](seat const& s) { return s && s.retired; }));
}

/// Whoever has lanes here is told, and the log.
void dispatcher::tell_bad_ending(worker_name const& who, bool was_to_leave, worker_end& end) noexcept {
  if (!end.teardown_error && !end.left_badly) return;
  try {
    std::exception_ptr const error = end.teardown_error ? end.teardown_error : error_of_end(end, nullptr);
    std::string line = line_about(who, was_to_leave, end, error);
    if (settings_.log) {
      tell_log(who, line);
    } else {
      line = "procx: " + line + '\n';
      write_some(STDERR_FILENO, std::as_bytes(std::span(line)));
    }
    for (lane_entry const& l : lanes_)
      if (l.sink) l.sink->on_bad_ending(error);
  } catch (...) {
    // No memory to say it.
  }
}

/// Runs foreign code in the middle of everything.
void dispatcher::tell_log(worker_name const& who, std::string_view text) const noexcept {
  try {
    settings_.log({static_cast<pid_t>(who.process), who.number, std::nullopt, text});
  } catch (...) {
    // It must not throw, and the line is lost.
  }
}

}  // namespace procx::inline v1::detail
