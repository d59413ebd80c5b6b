#pragma once

#include "plan.hpp"
#include "progress.hpp"
#include "shard.hpp"
#include "store.hpp"
#include "tally.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace indexer {

/// Carries out a plan: has worker processes make the shards, and adds them to the index in the order of the plan.
///
/// What has been committed stays, whatever happens then. Some batches are committed together; on a slow disk, many.
class builder {
 public:
  struct durations {
    std::chrono::duration<double> storing{0}, committing{0};
  };

  /// Takes the names of files out of the plan as they are done.
  builder(plan& todo, store& index, progress& bar, int workers, std::int64_t max_bytes);

  /// Returns when all is done, or soon after an interruption: batches that were under way are then not waited for. Throws
  /// SQLite::Exception, procx::error.
  void run();

  tally const& results() const { return results_; }
  durations const& times() const { return times_; }
  std::int64_t files_done() const { return files_done_; }

 private:
  using clock = std::chrono::steady_clock;

  void settle();
  void read_all();
  void salvage(plan::range range, std::string const& why);
  void take(plan::range range, shard const& words);
  bool record(std::size_t task, report const& result, std::int64_t shard, std::string const& why);
  void put_rows();
  void clean_up();
  void commit_if_due(std::size_t bytes);
  void commit();

  batch make_batch(plan::range range) const;
  std::int64_t id_of(std::size_t task) const { return first_id_ + static_cast<std::int64_t>(task); }
  void show(plan::range range);

  plan& todo_;
  store& index_;
  progress& bar_;
  int workers_;
  std::int64_t max_bytes_;
  tally results_;
  std::vector<known_file> rows_;  ///< to be stored together
  durations times_;

  std::int64_t first_id_ = 0;  ///< of the first task
  std::int64_t next_id_ = 0;   ///< to be committed with what has been stored
  std::int64_t files_done_ = 0;
  std::size_t batches_drawn_ = 0, batches_done_ = 0;
  std::size_t uncommitted_bytes_ = 0;
  clock::time_point last_commit_ = clock::now();
  clock::duration commit_time_{0};  ///< of the last one
};

}  // namespace indexer
