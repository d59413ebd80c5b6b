#include <procx/detail/dispatch/task_description.hpp>

#include "system/generation.hpp"

#include <map>

namespace procx::inline v1::detail {
namespace {

/// To be used under `hold_forks`, which is a mutex that no child finds locked, nor this half made.
std::map<task_entry, task_description>& known_tasks() {
  static auto* const all = new std::map<task_entry, task_description>;  // never destroyed: tasks may fail at the very end
  return *all;
}

}  // namespace

void describe_task(task_entry entry, task_description const& d) {
  auto const held = hold_forks();
  known_tasks().insert_or_assign(entry, d);
}

task_description description_of(task_entry entry) {
  auto const held = hold_forks();
  auto const& known = known_tasks();
  auto const at = known.find(entry);
  return at == known.end() ? task_description() : at->second;
}

}  // namespace procx::inline v1::detail
