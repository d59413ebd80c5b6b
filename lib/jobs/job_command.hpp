#pragma once

#include "system/descriptor.hpp"

#include <procx/jobs/job.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

namespace procx::inline v1::detail {

/// What a command is executed with.
struct command_plan {
  std::vector<std::string> words;
  std::vector<std::string> environment;  ///< all of it: "NAME=value"
  std::string folder;
  mode_t mask = 022;
  bool terminal = false;
  bool input = true;
  window_size window = {};
};

/// A command in a process of its own, which leads a session, and its standard input. It dies with this process. Whoever reaps it does so
/// by its id: this process is to be a subreaper, and reaps all that comes.
class job_command {
 public:
  /// Returns when the command has been executed. Throws system_error if it cannot be.
  explicit job_command(command_plan const& plan);

  pid_t pid() const noexcept { return pid_; }
  /// Where its output is read. To be called once.
  descriptor take_output() noexcept { return std::move(output_); }
  void set_window(window_size size) noexcept;
  /// Nobody in this process has the terminal open any more, so that its end is seen.
  void release_terminal() noexcept { slave_.close(); }

  /// The descriptor to poll for writing: −1 if no input waits.
  int wants_input() const noexcept { return pending_.empty() || !input_ ? -1 : input_.get(); }
  /// Input from a client; `client` is told how much of it was taken. Throws protocol_error if too much waits already.
  void add_input(std::uint64_t client, std::span<std::byte const> bytes);
  /// There will be no more.
  void end_input() noexcept;
  /// Writes what the command takes. Calls taken(client, bytes).
  template <class Taken>
  void pump_input(Taken const& taken) {
    while (!pending_.empty()) {
      auto& [client, bytes, done] = pending_.front();
      std::size_t const n = write_input(std::span(bytes).subspan(done));
      if (n == 0) break;
      taken(client, n);
      done += n;
      if (done == bytes.size()) pending_.pop_front();
    }
    if (pending_.empty() && ends_) close_input();
  }

 private:
  struct input_piece {
    std::uint64_t client;
    std::vector<std::byte> bytes;
    std::size_t done;
  };

  static constexpr std::size_t most_pieces = 1024;  // of clients that come and go, while the command takes no input

  std::size_t write_input(std::span<std::byte const> bytes) noexcept;
  void close_input() noexcept;

  pid_t pid_ = -1;
  bool terminal_ = false;
  bool ends_ = false;
  descriptor output_;
  descriptor input_;
  descriptor slave_;
  std::deque<input_piece> pending_;
};

}  // namespace procx::inline v1::detail
