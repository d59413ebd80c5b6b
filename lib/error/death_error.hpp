#pragma once

#include <procx/error/certificate.hpp>

#include <exception>

namespace procx::inline v1::detail {

/// What a task has ended with whose process has died: task_timeout, task_cancelled or process_died, by the cause.
std::exception_ptr error_of(death_certificate c);

}  // namespace procx::inline v1::detail
