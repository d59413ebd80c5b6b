#pragma once

#include "plan.hpp"
#include "progress.hpp"
#include "shard.hpp"
#include "store.hpp"
#include "tally.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

namespace indexer {

/// Carries out a plan, by a pipeline: worker processes make shards of the batches, and this process, the only one that writes
/// the index, adds them to it in the order of the plan.
///
/// What has been committed stays, whatever happens then. Some batches are committed together; on a slow disk, many.
class builder {
 public:
  /// Takes the names of files out of the plan as they are done.
  builder(plan& todo, store& index, progress& bar, int workers, std::int64_t max_bytes);

  /// Returns when all is done, or soon after an interruption: batches that were under way are then not waited for. Throws
  /// SQLite::Exception, procx::error.
  void run();

  tally const& results() const { return results_; }
  std::chrono::duration<double> committing() const { return committing_; }
  std::int64_t files_done() const { return files_done_; }
  /// What the pipeline says of its stages.
  std::string const& account() const { return account_; }

 private:
  using clock = std::chrono::steady_clock;
  using batches = std::vector<plan::range>;

  void settle();
  batches read(batches const& ranges);
  batch make_batch(plan::range range) const;
  std::int64_t id_of(std::size_t task) const { return first_id_ + static_cast<std::int64_t>(task); }

  void keep(shard const& words);
  void take(plan::range range, shard const& words);
  void blame(std::size_t task, std::string const& why);
  void record(std::size_t task, report const& result, std::int64_t shard, std::string const& why);
  void finish(plan::range range);
  void put_rows();
  void clean_up();
  void commit_if_due(std::size_t bytes);
  void commit();

  plan& todo_;
  store& index_;
  progress& bar_;
  int workers_;
  std::int64_t max_bytes_;
  tally results_;
  std::vector<known_file> rows_;  ///< to be stored together

  std::int64_t first_id_ = 0;  ///< of the first task
  std::int64_t next_id_ = 0;   ///< to be committed with what has been stored
  std::int64_t files_done_ = 0;
  std::size_t batches_left_ = 0;  ///< of those that are read
  std::size_t uncommitted_bytes_ = 0;
  clock::time_point last_commit_ = clock::now();
  clock::duration commit_time_{0};  ///< of the last one
  clock::duration committing_{0};   ///< all of them
  std::string account_;
  std::exception_ptr broken_;             ///< what went wrong with the index
  std::atomic<bool> is_broken_ = false;
};

}  // namespace indexer
