#pragma once

#include "files.hpp"
#include "store.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace indexer {

struct plan_options {
  std::int64_t max_bytes = 16 << 20;  ///< files beyond it are not read
  bool retry_failed = false;         ///< try files again that failed
  bool allow_empty = false;          ///< believe that one of these has lost all its files:
  std::vector<std::string> guarded;  ///< directories that may be disks which are not mounted
};

/// What is to be done to make an index agree with what a walk has found.
///
/// It depends on the files and the index only, never on the number of workers; and if it is carried out only in part, the
/// plan made after that continues it: the same files in the same batches with the same ids.
struct plan {
  /// A file to be read.
  struct task {
    std::string path;
    indexer::stamp stamp;
    std::unique_ptr<known_file> replaces;  ///< what the index says of it at present; null if nothing
  };
  /// A row that needs no reading, still without an id.
  struct settled_file {
    known_file row;
    std::int64_t replaces = 0;
  };
  /// A guarded directory that had files and has none.
  struct emptied {
    std::string directory;
    std::int64_t files = 0;  ///< that the index knows there
  };
  using range = std::pair<std::size_t, std::size_t>;  ///< of tasks: first, one past the last

  std::vector<task> tasks;
  std::vector<range> batches;        ///< all the tasks, in order
  std::vector<settled_file> settled;
  std::vector<std::int64_t> gone;    ///< ids of rows to be removed, when all the rest is done

  std::vector<emptied> doubted;      ///< what the index knows of them is kept

  std::int64_t unchanged = 0;
  std::int64_t removed = 0;          ///< those of `gone` that were files which are no longer there
  std::int64_t bytes = 0;            ///< of all tasks

  bool empty() const { return tasks.empty() && settled.empty() && gone.empty(); }
};

/// Both `found` and `known` in the order of their paths.
///
/// First come the files that are new or have changed, then those that could not be read last time, then those which are
/// as they were but share a shard with so much that is out of date, or a shard so small, that it is to be replaced. What
/// the index knows below a directory that cannot be listed now is kept, and below a guarded one whose files are all gone.
plan make_plan(std::vector<found_file> found, std::vector<known_file> known, std::vector<shard_row> const& shards,
               plan_options const& options);

}  // namespace indexer
