#include <procx/detail/daemon/function_name.hpp>

#include <stdexcept>

namespace procx::inline v1::detail {

std::string_view registered_name(void (*function)()) {
  auto const* const task = registered_task::find(function);
  if (!task) throw std::invalid_argument("the function is not registered by PROCX_TASK in this program: call it by its name");
  return task->name();
}

}  // namespace procx::inline v1::detail
