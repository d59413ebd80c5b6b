#pragma once

#include "process/process_state.hpp"
#include "system/descriptor.hpp"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace procx::inline v1::detail {

/// What a program that is executed anew keeps of this process.
struct exec_plan {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;   ///< "NAME=value", beside this process's own
  std::span<descriptor* const> keep;      ///< open in the program under the same numbers
  bool capture_stderr = true;
  /// It is this program, and begins with `heed_maker_since_exec`: until then the stop signals are blocked in it.
  bool is_this_program = false;
};

/// Executes a program in a new process: a clean image, whatever threads and memory there are here. stdin is empty, all
/// descriptors but those to keep are closed, no signal is blocked. Throws system_error if it cannot be executed.
std::unique_ptr<process_state> exec_process(exec_plan const& plan);

}  // namespace procx::inline v1::detail
