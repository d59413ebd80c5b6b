#pragma once

#include <stdexcept>
#include <string>

namespace indexer {

/// What procx-index exits with. A build that was interrupted exits with 128 and the signal.
enum exit_code : int {
  done = 0,
  no_match = 1,
  failed = 2,
  busy = 3,  ///< another build of the same index is under way
};

/// Why the program cannot do what it was asked to: a sentence for the user.
class failure : public std::runtime_error {
 public:
  explicit failure(std::string const& message, exit_code code = failed) : std::runtime_error(message), code_(code) {}
  exit_code code() const { return code_; }

 private:
  exit_code code_;
};

}  // namespace indexer
