#include "console/output.hpp"
#include "job_commands.hpp"
#include "job_places.hpp"
#include "job_text.hpp"
#include "logout.hpp"

#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace px = procx;

namespace {

constexpr std::streamoff most_shown = 4096;  // bytes of output

constexpr int not_found = 127, not_executable = 126;  // as the shell has it

/// Descriptors that this program was started with, beside the standard streams: a job would hold them open for as long as it lives.
void close_others_descriptors() { ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0); }

px::window_size window_of_this_terminal() {
  winsize w{};
  for (int const fd : {STDOUT_FILENO, STDIN_FILENO, STDERR_FILENO})
    if (::ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 && w.ws_col > 0) return {w.ws_row, w.ws_col};
  return {};
}

std::string end_of_output(px::job_status const& job) {
  std::ifstream log(job.address.string() + ".log", std::ios::binary | std::ios::ate);
  if (!log) return {};
  std::streamoff const size = log.tellg();
  std::string text(static_cast<std::size_t>(std::min(size, most_shown)), '\0');
  log.seekg(size - static_cast<std::streamoff>(text.size()));
  log.read(text.data(), static_cast<std::streamsize>(text.size()));
  return text;
}

int cannot_execute(std::string const& what, boost::system::error_code const& why) {
  bool const missing = why == boost::system::errc::no_such_file_or_directory;
  fmt::print(stderr, "procx: cannot execute {}: {}\n", what, why.message());
  return missing ? not_found : not_executable;
}

}  // namespace

int start(start_command const& c) try {
  close_others_descriptors();
  auto const address = job_at(c.address);
  px::job_status job = px::start_job(address, c.words,
                                     {.terminal = c.terminal, .window = window_of_this_terminal(), .input = !c.no_input});
  auto const watch = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(c.watch));
  if (auto const end = px::wait_for_job(address, watch)) job = *end;
  if (c.json) console::print(json_of(job) + '\n');
  if (job.state == px::job_state::running) {
    if (std::string const why = ends_at_logout(logout_settings_of_this_process()); !why.empty())
      fmt::print(stderr, "procx: {}\n", why);
    return 0;
  }
  if (job.state == px::job_state::ended && job.status.success()) return 0;
  console::print_error(end_of_output(job));
  fmt::print(stderr, "procx: {}: {}\n", shown_address(address), state_of(job));
  return exit_code_of(job);
} catch (boost::system::system_error const& e) {
  if (!std::string_view(e.what()).starts_with("cannot execute ")) throw;
  return cannot_execute(c.words.front(), e.code());
}
