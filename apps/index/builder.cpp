#include "builder.hpp"

#include "console.hpp"

#include <procx/procx.hpp>

#include <algorithm>
#include <cstring>
#include <ranges>

namespace px = procx;

namespace indexer {

builder::builder(plan& todo, store& index, progress& bar, int workers, std::int64_t max_bytes)
    : todo_(todo), index_(index), bar_(bar), workers_(workers), max_bytes_(max_bytes), results_(bar) {}

void builder::run() {
  next_id_ = index_.next_id();
  settle();
  first_id_ = next_id_;
  bar_.start(static_cast<std::int64_t>(todo_.tasks.size()), todo_.bytes, workers_);
  for (batches left = todo_.batches; !left.empty() && interruption() == 0;) left = read(left);
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

/// What is to be read once more: a batch that workers die of is halved, until it is clear which file does it.
builder::batches builder::read(batches const& ranges) {
  constexpr std::int64_t memory = 64 << 20, least = 1 << 20;
  std::int64_t const of_a_batch = std::max(todo_.bytes / static_cast<std::int64_t>(todo_.batches.size()), least);
  batches_left_ = ranges.size();
  // Each worker has a batch and the next one. While one takes long, others go on, as far as there is memory for what they make.
  auto p = px::pipeline({.max_size = static_cast<std::size_t>(2 * workers_ + memory / of_a_batch)})
               .add_origin(make_shard, {.workers = workers_, .ordered = true, .retries = 1, .name = "read"})
               .add_destination([this](shard const& words) { keep(words); }, {.here = true, .name = "store"});
  p.start();
  p.feed_chunk(ranges | std::views::take_while([this](plan::range) { return !is_broken_; }) |
               std::views::transform([this](plan::range range) { return make_batch(range); }));
  (void)p.join();
  account_ += p.explain();
  if (broken_) std::rethrow_exception(broken_);

  batches again;
  if (interruption() == 0)
    for (px::pipeline_failure const& f : p.failures()) {
      auto const [first, last] = ranges[f.item];
      if (last - first == 1) {
        blame(first, f.what());
        continue;
      }
      std::size_t const middle = first + (last - first) / 2;
      again.insert(again.end(), {{first, middle}, {middle, last}});
    }
  return again;
}

batch builder::make_batch(plan::range range) const {
  batch result{id_of(range.first), {}, max_bytes_};
  for (std::size_t i = range.first; i < range.second; ++i) (result.paths += todo_.tasks[i].path) += '\0';
  return result;
}

/// What goes wrong with the index is the end of the build, and not of an item.
void builder::keep(shard const& words) try {
  auto const first = static_cast<std::size_t>(words.first_id - first_id_);
  if (!is_broken_) take({first, first + words.reports.size()}, words);
} catch (...) {
  broken_ = std::current_exception();
  is_broken_ = true;
}

void builder::take(plan::range range, shard const& words) {
  std::int64_t weight = 0;
  for (report const& r : words.reports)
    if (r.fate == fate::indexed) weight += weight_of(r.stamp.bytes);
  std::int64_t shard = 0;
  if (!words.sizes.empty()) shard = index_.add(words, id_of(range.first), id_of(range.second - 1), weight);
  for (std::size_t i = range.first; i < range.second; ++i) record(i, words.reports[i - range.first], shard, {});
  --batches_left_;
  finish(range);
  commit_if_due(words.page_bytes.size());
}

void builder::blame(std::size_t task, std::string const& why) {
  record(task, {fate::failed, 0, {}, 0}, 0, why);
  finish({task, task + 1});
}

void builder::record(std::size_t task, report const& result, std::int64_t shard, std::string const& why) {
  auto& [path, stamp_before, replaces] = todo_.tasks[task];
  known_file row{id_of(task), std::move(path), result.fate, why, 0, result.stamp, result.lines};
  if (row.stamp == stamp{}) row.stamp = stamp_before;
  if (row.fate == fate::indexed) row.shard = shard;
  if (row.fate == fate::unreadable) row.reason = std::strerror(result.error);
  results_.add(row);

  bool const same = replaces && row.fate != fate::indexed && row.fate == replaces->fate &&
                    row.reason == replaces->reason && row.stamp == replaces->stamp;
  // A file that has vanished since it was found may be one of a disk that has: the next build's walk will tell.
  if (same || row.fate == fate::vanished) return;
  if (replaces) index_.forget(replaces->id);
  rows_.push_back(std::move(row));
}

/// Ids are given by their places in the plan: one that is not used, because the file has vanished, is not used again.
void builder::finish(plan::range range) {
  if (!rows_.empty()) next_id_ = std::max(next_id_, id_of(range.second));
  put_rows();
  std::int64_t bytes = 0;
  for (std::size_t i = range.first; i < range.second; ++i) bytes += todo_.tasks[i].stamp.bytes;
  auto const files = static_cast<std::int64_t>(range.second - range.first);
  files_done_ += files;
  bar_.busy(static_cast<int>(std::min(static_cast<std::size_t>(workers_), batches_left_)));
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
  bool const end_is_near = batches_left_ == last_batches * static_cast<std::size_t>(workers_);
  bool const due = clock::now() - last_commit_ > std::max(least_between, 20 * commit_time_);
  if (due || end_is_near || uncommitted_bytes_ > most_uncommitted) commit();
}

void builder::commit() {
  auto const began = clock::now();
  index_.commit(next_id_);
  last_commit_ = clock::now();
  commit_time_ = last_commit_ - began;
  committing_ += commit_time_;
  uncommitted_bytes_ = 0;
}

}  // namespace indexer
