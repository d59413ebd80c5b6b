#pragma once

#include <procx/detail/wire/frame.hpp>
#include <procx/dispatch/log_line.hpp>
#include <procx/pipeline/stage_key.hpp>
#include <procx/process/worker_count.hpp>
#include <procx/process/worker_limits.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace procx::inline v1 {

/// How a pipeline as a whole goes about it.
struct pipeline_options {
  /// `feed` waits while so many items are between it and the end of the last stage; 0: it never waits. Results that are not
  /// read do not count: they go to a file when there are many.
  std::size_t max_size = 0;
  /// The same in bytes, of encoded items that wait for a stage or are at one; 0: it never waits. One item may be larger.
  std::size_t max_bytes = 0;
  /// So many bytes of results that are not read stay in memory; what is more goes to an unlinked file in the directory for
  /// temporary files. That file is no durability: it goes with the program.
  std::size_t results_in_memory = std::size_t{64} << 20;
  /// After the first signal of `px::stop_on_signals` nothing more is taken in, and what is under way has so much time to come to
  /// its end; what has not then is stopped, and fails with task_cancelled. 0: nothing more is begun.
  std::chrono::nanoseconds drain{0};
};

/// How one stage of a pipeline goes about it. A stage without any of these runs in the processes of the one before it.
struct stage_options {
  /// How many processes the stage has; none: those of the stage before, or one for each core if it is the first. `px::here`:
  /// it runs in the program's own process.
  std::optional<worker_count> workers = {};
  /// How many items are on their way to one process at once; 0: as many as fill some milliseconds.
  unsigned chunk_size = 0;
  /// So long a process without work is given none, as long as there are fewer items than `chunk_size`: it is woken less often, for
  /// more at a time. 0: it is given at once what there is.
  std::chrono::nanoseconds linger{0};
  /// The stage's results leave in the order in which its items came; otherwise as they are ready.
  bool ordered = false;
  /// Items with the same key are run one after the other, in their order, and their results leave in it; different keys run side
  /// by side. If items may be tried again, the next ones of the same key wait for that.
  stage_key key = {};
  /// The stage runs in the program's own process, one item after the other: the owner of a terminal, a database, or a window.
  bool here = false;
  /// How often a failed item is tried again: so often after exceptions, and so often after deaths of its process.
  unsigned retries = 0;
  /// How long to wait before an item is tried again: twice as long after each failure, at most 64 times; 0: not at all.
  std::chrono::nanoseconds backoff{0};
  /// What one item may take, from when its call begins; 0: as long as it likes. Checked every 10 ms.
  std::chrono::nanoseconds task_timeout{0};
  /// A process that is to be killed gets SIGTERM, and SIGKILL if it is still there after so long; 0: SIGKILL at once.
  std::chrono::nanoseconds grace = std::chrono::seconds(1);
  /// What a process may use, in bytes beyond what it has before its first item; 0: anything.
  std::size_t memory_limit = 0;
  /// Priority, processors, resources of the processes, and for how long each is kept.
  worker_limits limits = {};
  /// The largest encoded item or result, in bytes.
  std::size_t frame_limit = detail::default_frame_limit;
  /// What the processes print passes through this one, line by line. Otherwise they print where this process does.
  bool capture_output = true;
  /// Who is given those lines; null: they go to this process's standard error.
  log_sink log = nullptr;
  /// What the stage is called in errors and by `explain`; empty: by its kind and place.
  std::string name = {};
};

}  // namespace procx::inline v1
