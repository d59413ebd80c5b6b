#pragma once

#include <optional>
#include <string>

#include <termios.h>

/// The terminal of this program passes on each key as it is pressed, for as long as this lives.
class raw_terminal {
 public:
  /// If the descriptor is no terminal, nothing happens.
  explicit raw_terminal(int fd);
  raw_terminal(raw_terminal const&) = delete;
  raw_terminal& operator=(raw_terminal const&) = delete;
  ~raw_terminal();

  bool is_terminal() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
  termios before_{};
};

/// "^A" as the character that Ctrl-A is; a single character as itself; "none" as nothing. Throws std::runtime_error if it is
/// anything else.
std::optional<char> key_named(std::string const& name);

/// Whether something can be read there that was meant for a program: not if it is closed, or /dev/null.
bool has_input(int fd);
