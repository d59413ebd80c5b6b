#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What one run of a command came to.
struct command_result {
  std::int32_t wait_status = 0;  ///< as waitpid(2) gives it
  std::string output;            ///< what it wrote to its standard output

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & wait_status & output;
  }
};

/// Runs a command in a process of its own, which dies with this one, and waits for it, but not for what it leaves running.
/// Its standard input is empty, its standard error is this process's. Throws std::system_error if it cannot be executed.
command_result run_command(std::vector<std::string> const& words);

/// The words of a command with `{}` replaced by the argument wherever it stands; if nowhere, the argument comes last.
std::vector<std::string> with_argument(std::vector<std::string> words, std::string const& argument);
