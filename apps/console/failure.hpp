#pragma once

#include <stdexcept>
#include <string>

namespace console {

/// What the programs exit with; an interrupted one exits with 128 and the signal.
enum exit_code : int {
  done = 0,
  not_all = 1,  ///< each program says what this means
  failed = 2,
  busy = 3,  ///< another process has the right to write
};

/// Why a program cannot do what it was asked to: a sentence for the user.
class failure : public std::runtime_error {
 public:
  explicit failure(std::string const& message, exit_code code = failed) : std::runtime_error(message), code_(code) {}
  exit_code code() const { return code_; }

 private:
  exit_code code_;
};

}  // namespace console
