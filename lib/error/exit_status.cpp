#include <procx/error/exit_status.hpp>

#include <csignal>
#include <cstring>
#include <ostream>

namespace procx::inline v1 {

exit_status exit_status::from_wait(int how, int value) noexcept {
  switch (how) {
    case CLD_EXITED: return of_code(value);
    case CLD_KILLED: return of_signal(value);
    case CLD_DUMPED: return of_signal(value, true);
    default: return {};
  }
}

std::string exit_status::to_string() const {
  if (exited()) return "exited with " + std::to_string(value_);
  if (!signaled()) return "ended, nobody knows how";
  char const* name = ::sigabbrev_np(value_);
  std::string text = "killed by " + (name ? "SIG" + std::string(name) : "signal " + std::to_string(value_));
  if (core_dumped()) text += " (core dumped)";
  return text;
}

std::ostream& operator<<(std::ostream& out, exit_status status) { return out << status.to_string(); }

}  // namespace procx::inline v1
