#include <procx/detail/dispatch/task_output.hpp>

namespace procx::inline v1::detail {
namespace {

constinit thread_local task_output* of_this_thread = nullptr;

}  // namespace

task_output* task_output::current() noexcept { return of_this_thread; }
void task_output::set_current(task_output* output) noexcept { of_this_thread = output; }

}  // namespace procx::inline v1::detail
