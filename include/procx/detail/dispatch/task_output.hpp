#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace procx::inline v1::detail {

/// What a task gives beside its result, as it runs. For the thread that runs the task.
class task_output {
 public:
  /// Gives one of several results, encoded. Throws protocol_error if it is too large.
  virtual void part(std::span<std::byte const> bytes) = 0;
  /// Sends bytes to the receiver that `topic` stands for. They arrive before the task's result.
  virtual void message(std::uint64_t topic, std::span<std::byte const> bytes) = 0;

  /// Of the task that this process is at; null outside of one.
  static task_output* current() noexcept;

 protected:
  ~task_output() = default;
  static void set_current(task_output* output) noexcept;
};

}  // namespace procx::inline v1::detail
