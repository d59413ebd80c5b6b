#pragma once

#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string>

/// What a command of the shell prints.
inline std::string output_of(std::string const& command) {
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot run " + command);
  std::string text;
  char some[4096];
  while (std::size_t const n = std::fread(some, 1, sizeof some, pipe)) text.append(some, n);
  ::pclose(pipe);
  return text;
}
