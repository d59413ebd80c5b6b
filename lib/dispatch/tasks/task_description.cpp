#include <procx/dispatch/task_description.hpp>

#include <map>
#include <mutex>

namespace procx::inline v1::detail {
namespace {

struct registry {
  std::mutex mutex;
  std::map<task_entry, task_description> known;
};

registry& tasks() {
  static auto* const all = new registry;  // never destroyed: tasks may fail while the program ends
  return *all;
}

}  // namespace

void describe_task(task_entry entry, task_description const& d) {
  std::lock_guard const lock(tasks().mutex);
  tasks().known.insert_or_assign(entry, d);
}

task_description description_of(task_entry entry) {
  std::lock_guard const lock(tasks().mutex);
  auto const at = tasks().known.find(entry);
  return at == tasks().known.end() ? task_description() : at->second;
}

}  // namespace procx::inline v1::detail
