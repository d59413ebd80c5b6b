#include "error/death_error.hpp"

#include <procx/error/exceptions.hpp>

#include <utility>

namespace procx::inline v1::detail {

std::exception_ptr error_of(death_certificate c) {
  switch (c.cause) {
    case death_cause::timeout: return std::make_exception_ptr(task_timeout(std::move(c)));
    case death_cause::cancellation: return std::make_exception_ptr(task_cancelled(std::move(c)));
    default: return std::make_exception_ptr(process_died(std::move(c)));
  }
}

}  // namespace procx::inline v1::detail
