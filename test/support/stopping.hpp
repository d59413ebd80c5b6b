#pragma once

#include "support/processes.hpp"

#include <procx/error/exceptions.hpp>

#include <exception>
#include <functional>

#include <unistd.h>

/// For tests of `stop_on_signals`.
namespace stopping {

// The thread sanitizer keeps signals back until the thread makes a call that it knows.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool signals_are_prompt = false;
#else
inline constexpr bool signals_are_prompt = true;
#endif

/// What is asked for holds for a whole process: so each case is one of its own. True if it returns 0, and nothing but 0.
inline bool in_own_process(std::function<bool()> const& body) {
  return processes::code_of_fork([&] {
           ::alarm(60);
           return body() ? 0 : 1;
         }) == 0;
}

inline bool is_cancelled(std::exception_ptr const& error) {
  try {
    std::rethrow_exception(error);
  } catch (procx::task_cancelled const&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace stopping
