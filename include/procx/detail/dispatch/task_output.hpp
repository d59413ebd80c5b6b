#pragma once

#include <atomic>
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

  /// Notes how far the task has come, which is known of a process that dies at it: 0 until a task says otherwise, and to be set
  /// back by the next one. Cost: one store.
  void set_place(std::uint32_t place) noexcept {
    if (place_) place_->store(place, std::memory_order_relaxed);
  }

  /// Of the task that this process is at; null outside of one.
  static task_output* current() noexcept;

 protected:
  explicit task_output(std::atomic<std::uint32_t>* place) noexcept : place_(place) {}
  ~task_output() = default;
  static void set_current(task_output* output) noexcept;

 private:
  std::atomic<std::uint32_t>* const place_;  // null: nobody wants to know
};

}  // namespace procx::inline v1::detail
