#include "job_commands.hpp"
#include "job_places.hpp"
#include "job_text.hpp"
#include "terminal_input.hpp"

#include <fmt/format.h>

#include <csignal>
#include <optional>

#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace px = procx;

namespace {

px::window_size window_of(int fd) {
  winsize w{};
  if (::ioctl(fd, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0) return {};
  return {w.ws_row, w.ws_col};
}

int window_changes() {
  sigset_t changed;
  ::sigemptyset(&changed);
  ::sigaddset(&changed, SIGWINCH);
  ::sigprocmask(SIG_BLOCK, &changed, nullptr);
  return ::signalfd(-1, &changed, SFD_CLOEXEC | SFD_NONBLOCK);
}

px::attach_result attach_terminal(std::filesystem::path const& address, px::attach_options options, std::string const& key) {
  raw_terminal const raw(STDIN_FILENO);
  if (raw.is_terminal()) {
    options.detach_key = key_named(key);
    options.window = [] { return window_of(STDIN_FILENO); };
    options.window_changed = window_changes();
  }
  return px::attach_job(address, options);
}

}  // namespace

int attach(attach_command const& c) {
  auto const address = job_at(c.address);
  px::attach_options const options{.input = c.no_input || !has_input(STDIN_FILENO) ? -1 : STDIN_FILENO,
                                   .output = STDOUT_FILENO,
                                   .from_now = c.from_now};
  bool const terminal = options.input >= 0 && px::status_of_job(address).terminal;
  auto const [job, detached] = terminal ? attach_terminal(address, options, c.detach_key) : px::attach_job(address, options);
  if (detached) {
    if (terminal) fmt::print(stderr, "procx: detached from {}\n", shown_address(address));
    return 0;
  }
  if (job.state != px::job_state::ended || !job.status.exited())
    fmt::print(stderr, "procx: {}: {}\n", shown_address(address), state_of(job));
  return exit_code_of(job);
}
