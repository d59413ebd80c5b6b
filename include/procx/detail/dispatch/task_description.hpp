#pragma once

#include <procx/detail/dispatch/callable_table.hpp>

#include <atomic>
#include <typeinfo>

namespace procx::inline v1::detail {

/// What the arguments of the tasks with one entry are: what a task that is to be kept must tell beside its bytes.
struct task_description {
  char const* arguments = nullptr;                    ///< name of their type, a tuple if there may be several
  void (*skip_callable)(input_archive&) = nullptr;  ///< passes over the callable that travels before them; null: none does
};

/// To be known from now on. Thread-safe.
void describe_task(task_entry entry, task_description const& d);
/// Empty if nobody has described it. Thread-safe.
task_description description_of(task_entry entry);

/// The same for an entry that takes an `Arguments`, after an `F` that travels unless that is void. Cost: nothing but the
/// first time.
template <task_entry Entry, class Arguments, class F = void>
void describe_once() {
  static constinit std::atomic<bool> known = false;  // not a guarded static: looking at that would be a call
  if (known.load(std::memory_order_acquire)) [[likely]] return;
  task_description d{typeid(Arguments).name()};
  if constexpr (!std::is_void_v<F>)
    d.skip_callable = [](input_archive& in) { static_cast<void>(take_callable<F>(nullptr, in)); };
  describe_task(Entry, d);
  known.store(true, std::memory_order_release);
}

}  // namespace procx::inline v1::detail
