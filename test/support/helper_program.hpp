#pragma once

#include <cstdio>
#include <stdexcept>
#include <string>

#include <sys/wait.h>

/// How a helper program of this folder has ended, and what it has printed on both of its streams until then.
struct ended_program {
  int code = 0;  // 128 and the signal if one killed it
  std::string printed;
};

/// Runs it with those arguments, and waits until it and whoever else could print there have ended.
inline ended_program run_helper(std::string const& name_and_arguments) {
  std::FILE* const pipe = ::popen((PROCX_TEST_SUPPORT "/" + name_and_arguments + " 2>&1").c_str(), "r");
  if (!pipe) throw std::runtime_error("there is no shell");
  ended_program end;
  for (int c; (c = std::fgetc(pipe)) != EOF;) end.printed += static_cast<char>(c);
  int const status = ::pclose(pipe);
  end.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return end;
}
