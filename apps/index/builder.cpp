#include "builder.hpp"

#include "console.hpp"

#include <procx/procx.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <ranges>

namespace px = procx;

namespace indexer {
namespace {

/// Adds the time until it goes to a sum.
class timer {
 public:
  explicit timer(std::chrono::duration<double>& sum) : sum_(sum) {}
  timer(timer const&) = delete;
  timer& operator=(timer const&) = delete;
  ~timer() { sum_ += std::chrono::steady_clock::now() - started_; }

 private:
  std::chrono::duration<double>& sum_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace

builder::builder(plan& todo, store& index, progress& bar, int workers, std::int64_t max_bytes)
    : todo_(todo), index_(index), bar_(bar), workers_(workers), max_bytes_(max_bytes), results_(bar) {}

void builder::run() {
  next_id_ = index_.next_id();
  settle();
  first_id_ = next_id_;
  bar_.start(static_cast<std::int64_t>(todo_.tasks.size()), todo_.bytes, workers_);
  if (!todo_.batches.empty()) read_all();
  if (interruption() == 0) clean_up();
  commit();
}

void builder::settle() {
  for (plan::settled_file& s : todo_.settled) {
    if (s.replaces != 0) index_.forget(s.replaces);
    rows_.push_back(std::move(s.row));
    rows_.back().id = next_id_++;
    results_.add(rows_.back());
  }
  put_rows();
}

void builder::put_rows() {
  if (!rows_.empty()) index_.put(rows_);
  rows_.clear();
}

void builder::read_all() {
  auto batches = todo_.batches | std::views::transform([this](plan::range range) {
                   ++batches_drawn_;
                   return make_batch(range);
                 });
  // A second attempt, because a worker can also die of something else than a file.
  auto shards = px::pmap(make_shard, batches, {.workers = workers_, .retries = 1});
  for (px::outcome<shard> const& o : shards.outcomes()) {
    plan::range const range = todo_.batches[o.index()];
    ++batches_done_;
    if (o)
      take(range, *o);
    else if (interruption() == 0)
      salvage(range, o.what());
    if (interruption() != 0) break;
  }
}

batch builder::make_batch(plan::range range) const {
  batch result{id_of(range.first), {}, max_bytes_};
  for (std::size_t i = range.first; i < range.second; ++i) (result.paths += todo_.tasks[i].path) += '\0';
  return result;
}

/// A batch that a worker dies of is halved, until it is clear which file does it.
void builder::salvage(plan::range range, std::string const& why) {
  if (range.second - range.first == 1) {
    bool const changed = record(range.first, {fate::failed, 0, {}, 0}, 0, why);
    put_rows();
    if (changed) next_id_ = id_of(range.second);
    return show(range);
  }
  std::size_t const middle = range.first + (range.second - range.first) / 2;
  std::array<plan::range, 2> const halves{plan::range{range.first, middle}, plan::range{middle, range.second}};
  auto batches = halves | std::views::transform([this](plan::range half) { return make_batch(half); });
  unsigned const retries = range.second - range.first == 2 ? 1 : 0;
  auto shards = px::pmap(make_shard, batches, {.workers = workers_, .retries = retries});
  for (px::outcome<shard> const& o : shards.outcomes()) {
    if (o)
      take(halves[o.index()], *o);
    else if (interruption() == 0)
      salvage(halves[o.index()], o.what());
    if (interruption() != 0) return;
  }
}

void builder::take(plan::range range, shard const& words) {
  {
    timer const storing(times_.storing);
    std::int64_t weight = 0;
    for (report const& r : words.reports)
      if (r.fate == fate::indexed) weight += weight_of(r.stamp.bytes);
    std::int64_t shard = 0;
    if (!words.sizes.empty()) shard = index_.add(words, id_of(range.first), id_of(range.second - 1), weight);
    bool changed = false;
    for (std::size_t i = range.first; i < range.second; ++i)
      changed |= record(i, words.reports.at(i - range.first), shard, {});
    put_rows();
    if (changed) next_id_ = id_of(range.second);
  }
  show(range);
  commit_if_due(words.page_bytes.size());
}

/// False if the index says so already.
bool builder::record(std::size_t task, report const& result, std::int64_t shard, std::string const& why) {
  auto& [path, stamp_before, replaces] = todo_.tasks[task];
  known_file row{id_of(task), std::move(path), result.fate, why, 0, result.stamp, result.lines};
  if (row.stamp == stamp{}) row.stamp = stamp_before;
  if (row.fate == fate::indexed) row.shard = shard;
  if (row.fate == fate::unreadable) row.reason = std::strerror(result.error);
  results_.add(row);

  bool const same = replaces && row.fate != fate::indexed && row.fate == replaces->fate &&
                    row.reason == replaces->reason && row.stamp == replaces->stamp;
  // A file that has vanished since it was found may be one of a disk that has: the next build's walk will tell.
  if (same || row.fate == fate::vanished) return false;
  if (replaces) index_.forget(replaces->id);
  rows_.push_back(std::move(row));
  return true;
}

void builder::show(plan::range range) {
  std::int64_t bytes = 0;
  for (std::size_t i = range.first; i < range.second; ++i) bytes += todo_.tasks[i].stamp.bytes;
  auto const files = static_cast<std::int64_t>(range.second - range.first);
  files_done_ += files;
  bar_.busy(std::min(workers_, static_cast<int>(batches_drawn_ - batches_done_)));
  bar_.add(files, bytes);
}

void builder::clean_up() {
  for (std::int64_t id : todo_.gone) index_.forget(id);
  index_.drop_dead_shards();
}

/// A commit waits for the disk, and everybody else then waits for this process soon. So there are seven a second at most,
/// and where they take long, fewer: about a twentieth of the time goes to them. One is made while the workers still have
/// some batches each, so that little is left to be written when they stand still.
void builder::commit_if_due(std::size_t bytes) {
  constexpr std::size_t most_uncommitted = 256 << 20;
  constexpr clock::duration least_between = std::chrono::milliseconds(150);
  constexpr std::size_t last_batches = 4;  // of each worker
  uncommitted_bytes_ += bytes;
  bool const end_is_near = todo_.batches.size() - batches_done_ == last_batches * static_cast<std::size_t>(workers_);
  bool const due = clock::now() - last_commit_ > std::max(least_between, 20 * commit_time_);
  if (due || end_is_near || uncommitted_bytes_ > most_uncommitted) commit();
}

void builder::commit() {
  auto const began = clock::now();
  index_.commit(next_id_);
  last_commit_ = clock::now();
  commit_time_ = last_commit_ - began;
  times_.committing += commit_time_;
  uncommitted_bytes_ = 0;
}

}  // namespace indexer
