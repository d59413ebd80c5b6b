#include "pipeline/pipeline_registry.hpp"

#include <procx/detail/dispatch/task_output.hpp>
#include <procx/detail/pipeline/pipeline_core.hpp>
#include <procx/dispatch/registered_task.hpp>
#include <procx/error/exceptions.hpp>

#include <string>

namespace procx::inline v1::detail {

std::uint64_t type_number(char const* type_name) noexcept { return name_hash(type_name); }

void send_to_pipeline(std::string_view name, std::uint64_t type, std::span<std::byte const> item) {
  std::uint64_t const to = pipeline_registry::number_of(std::string(name));
  if (auto* const output = task_output::current()) {
    buffer message;
    output_archive out(message, nullptr);
    out << type;
    out.save_binary(item.data(), item.size());
    return output->message(to, message);
  }
  auto const pipeline = pipeline_registry::find(to);
  if (!pipeline) throw connection_error("no pipeline \"" + std::string(name) + "\" runs here", errc::unknown_pipeline);
  pipeline->accept(type, item);
}

}  // namespace procx::inline v1::detail
