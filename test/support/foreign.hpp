#pragma once

#include <procx/error/exceptions.hpp>

/// Whether this is refused because what it asks for belongs to another process, which this one is a fork of.
template <class Action>
bool is_refused_as_foreign(Action&& action) {
  try {
    action();
  } catch (procx::error const& e) {
    return e.code() == procx::errc::foreign_process;
  }
  return false;
}
