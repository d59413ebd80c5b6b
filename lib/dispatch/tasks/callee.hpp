#pragma once

#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/detail/dispatch/task_head.hpp>
#include <procx/wire/travel.hpp>

namespace procx::inline v1::detail {

/// What is called, as this process has it.
struct callee {
  task_entry entry;
  void* object;
};

/// Finds what tasks call; the same for all tasks of one head.
class callee_finder {
 public:
  explicit callee_finder(callable_table const& callables) noexcept : callables_(callables) {}

  /// Throws protocol_error for what this process does not know.
  callee find(task_head const& head);

 private:
  callable_table const& callables_;
  function_finder entries_, functions_;
};

}  // namespace procx::inline v1::detail
