#include "dispatch/tasks/callee.hpp"

#include <procx/dispatch/registered_task.hpp>
#include <procx/error/exceptions.hpp>

namespace procx::inline v1::detail {

callee callee_finder::find(task_head const& head) {
  if (head.callable == callable_table::named) {
    auto const* const task = registered_task::find(static_cast<std::uint64_t>(head.entry));
    bool const agrees = !task || task->fingerprint() == static_cast<std::uint64_t>(head.function);
    return {agrees ? &run_named : &refuse_named, const_cast<registered_task*>(task)};
  }
  callee c{nullptr, reinterpret_cast<void*>(functions_.find(head.function))};
  if (head.callable != callable_table::travels) {
    if (head.callable >= callables_.size()) throw protocol_error("a task for a callable that this worker does not know");
    auto const& known = callables_[head.callable];
    c = {known.call, known.object.get()};
  }
  if (head.entry) c.entry = reinterpret_cast<task_entry>(entries_.find(head.entry));
  return c;
}

}  // namespace procx::inline v1::detail
