#pragma once

#include <procx/dispatch/callable_table.hpp>
#include <procx/process/log_line.hpp>
#include <procx/process/worker_count.hpp>
#include <procx/pool/supply.hpp>
#include <procx/process/worker_limits.hpp>
#include <procx/wire/value_series.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <exception>
#include <functional>
#include <memory>
#include <span>

namespace procx::inline v1 {

/// How `pmap` goes about it. The defaults suit nearly everything.
struct pmap_options {
  worker_count workers = {};
  /// Results in the order of the inputs; otherwise as they come.
  bool ordered = true;
  /// How often a failed task is tried again: so often after exceptions, and so often after deaths of its process.
  unsigned retries = 0;
  /// How long to wait before a task is tried again: twice as long after each failure, at most 64 times; 0: not at all.
  std::chrono::nanoseconds backoff{0};
  /// What one task may take, from when it begins to run; 0: as long as it likes. Checked every 10 ms.
  std::chrono::nanoseconds task_timeout{0};
  /// A worker that is to be killed gets SIGTERM, and SIGKILL if it is still there after so long; 0: SIGKILL at once.
  std::chrono::nanoseconds grace = std::chrono::seconds(1);
  /// What a worker may use, in bytes beyond what it has before its first task; 0: anything. An allocation that would
  /// exceed it fails (`std::bad_alloc` in the task); one in which more is resident nevertheless is killed.
  std::size_t memory_limit = 0;
  /// Priority, processors, resources of the workers, and for how long each is kept.
  worker_limits limits = {};
  /// Tasks in flight on one worker; 0: as many as fill some milliseconds, between 2 and 4,096. With 1, an input is taken out
  /// of the range only when a worker has nothing to do, and results that have come are given first: see `pmap`.
  unsigned window = 0;
  /// The largest encoded input or result, in bytes.
  std::size_t frame_limit = detail::default_frame_limit;
  /// A directory in which the arguments of tasks that fail for good are kept, a file each, for `px::replay`. It is made and
  /// tried when the `pmap` is: filesystem_error if no file may be there. What cannot be saved later is said in the task's error
  /// and the log. Empty: they are not. Large arguments are then never given away to the worker: a copy stays here.
  std::filesystem::path save_failures = {};
  /// What the workers print, to standard output or standard error, passes through this process, line by line, and the last
  /// of it is kept for `process_died`. Otherwise they print where this process does.
  bool capture_output = true;
  /// Who is given those lines, with the worker and the task that printed them; null: they go to this process's standard
  /// error. Costs half a microsecond a task.
  log_sink log = nullptr;
};

namespace detail {

/// What the typed half of a pmap does for the compiled half.
class pmap_source {
 public:
  virtual ~pmap_source() = default;
  enum class drawn { nothing, input, failure };
  virtual supply inputs_come() const noexcept = 0;
  /// Takes the next input out of the range, if there is one. Takes as long as the range does, which may wait for results of
  /// the inputs before; throws what the range throws.
  virtual drawn fetch(std::exception_ptr& why) = 0;
  /// Writes the arguments of the input that was fetched last; throws what they throw.
  virtual void write_fetched(output_archive& out) = 0;
  /// Of how many bytes the arguments of each input are, if those are few, known, and written without an archive; else 0.
  virtual std::size_t plain_bytes() const noexcept = 0;
  /// Both for up to `most` such inputs, each behind its length, from `to` on; `count` grows with each. Less than `most`
  /// if there are no more, if the next one failed, or if the range throws.
  virtual drawn draw_plain(std::byte* to, std::size_t most, std::size_t& count, std::exception_ptr& why) = 0;
  /// How many inputs are left; the largest number if nobody knows.
  virtual std::size_t inputs_left() = 0;
  virtual void store_value(std::size_t index, encoded_value const& value) = 0;
  /// Those of the inputs from `first` on.
  virtual void store_values(std::size_t first, value_series const& values) = 0;
  virtual void store_failure(std::size_t index, std::exception_ptr error) = 0;
};

/// Draws inputs as results are consumed, and keeps the workers busy in between.
class pmap_engine {
 public:
  pmap_engine(pmap_options const& options, task_entry entry, std::shared_ptr<void> callable, pmap_source& source);
  pmap_engine(pmap_engine const&) = delete;
  pmap_engine& operator=(pmap_engine const&) = delete;
  ~pmap_engine();

  /// Runs until the condition holds; false if there is nothing left to wait for. Throws what the input range throws, once
  /// nothing that was drawn before is under way.
  /// `least_drawn`: draws so many inputs in all, if there are so many, whatever has been consumed.
  bool run_until(std::function<bool()> const& condition, std::size_t least_drawn = 0);
  /// So many results have been given away for good.
  void released(std::size_t count) noexcept;
  /// Inputs drawn so far; the number there are once `exhausted`.
  std::size_t drawn() const noexcept;
  bool exhausted() const noexcept;
  std::size_t busy_workers() const;

 private:
  class state;
  std::unique_ptr<state> state_;
};

}  // namespace detail
}  // namespace procx::inline v1
