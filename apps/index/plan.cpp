#include "plan.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <span>

namespace indexer {
namespace {

constexpr std::int64_t smallest_batch = 2 << 20;
constexpr std::int64_t most_batches = 512;  // for the whole tree: a table may have some 2,000 segments
constexpr std::size_t most_small_shards = 16;
constexpr std::size_t many_shards = 1000;  // so many that they had better be larger

/// How heavy a batch may become. For trees beyond 1 GiB it grows with them, in powers of two, so that it does not change
/// with every file.
std::int64_t batch_weight(std::vector<found_file> const& found, std::int64_t max_bytes) {
  std::int64_t total = 0;
  for (found_file const& f : found)
    if (f.stamp.bytes <= max_bytes) total += weight_of(f.stamp.bytes);
  std::int64_t weight = smallest_batch;
  while (total / weight > most_batches) weight *= 2;
  return weight;
}

class planner {
 public:
  planner(plan_options const& options, std::int64_t batch) : options_(options), batch_(batch) {}

  plan make(std::vector<found_file> found, std::vector<known_file> known, std::vector<shard_row> const& shards) {
    compare(found, known);
    renew(shards);
    for (auto* tasks : {&changed_, &again_, &renewed_}) append(std::move(*tasks));
    return std::move(plan_);
  }

 private:
  using task = plan::task;

  void compare(std::vector<found_file>& found, std::vector<known_file>& known) {
    for (found_file const& f : found)
      if (!f.reason.empty()) closed_.insert(f.path);
    doubt(found, known);
    changed_.reserve(found.size());
    auto k = known.begin();
    for (found_file& f : found) {
      for (; k != known.end() && k->path < f.path; ++k) missing(*k);
      bool const there = k != known.end() && k->path == f.path;
      decide(f, there ? std::move(*k++) : known_file());
    }
    for (; k != known.end(); ++k) missing(*k);
  }

  /// A disk that is not mounted looks like an empty directory.
  void doubt(std::vector<found_file> const& found, std::vector<known_file> const& known) {
    if (options_.allow_empty) return;
    for (std::string const& directory : options_.guarded) {
      auto const there = below(found, directory);
      auto const were = below(known, directory);
      auto const files = std::ranges::count_if(were, [](known_file const& k) { return k.fate != fate::closed; });
      if (files == 0 || std::ranges::any_of(there, [](found_file const& f) { return f.reason.empty(); })) continue;
      if (closed_.contains(directory) || lies_in_closed(directory)) continue;
      closed_.insert(directory);
      plan_.doubted.push_back({directory, files});
    }
  }

  /// Those of the files, which are in the order of their paths, that lie in the directory.
  template <class File>
  static std::span<File const> below(std::vector<File> const& files, std::string const& directory) {
    std::string const start = directory == "/" ? directory : directory + '/';
    auto const first = std::ranges::lower_bound(files, start, {}, &File::path);
    auto const last = std::find_if_not(first, files.end(), [&](File const& f) { return f.path.starts_with(start); });
    return {first, last};
  }

  bool lies_in_closed(std::string const& path) const {
    if (closed_.empty()) return false;
    for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0; slash = path.rfind('/', slash - 1))
      if (closed_.contains(path.substr(0, slash))) return true;
    return closed_.contains("/");
  }

  void missing(known_file& k) {
    if (lies_in_closed(k.path)) return keep(std::move(k));
    plan_.gone.push_back(k.id);
    if (k.fate != fate::closed) ++plan_.removed;
  }

  void decide(found_file& f, known_file k) {
    bool const closed = !f.reason.empty();
    if (closed || f.stamp.bytes > options_.max_bytes) {
      fate const settled = closed ? fate::closed : fate::too_large;
      if (k.id != 0 && k.fate == settled && k.reason == f.reason && k.stamp == f.stamp) return keep(std::move(k));
      return plan_.settled.push_back({{0, std::move(f.path), settled, std::move(f.reason), 0, f.stamp, 0}, k.id});
    }
    bool const was_read = k.id != 0 && k.fate != fate::closed && k.fate != fate::too_large;
    bool const try_again = k.fate == fate::unreadable || (k.fate == fate::failed && options_.retry_failed);
    if (!was_read || k.stamp != f.stamp)
      changed_.push_back({std::move(f.path), f.stamp, k.id == 0 ? nullptr : std::make_unique<known_file>(std::move(k))});
    else if (try_again)
      again_.push_back({std::move(f.path), f.stamp, std::make_unique<known_file>(std::move(k))});
    else
      keep(std::move(k));
  }

  void keep(known_file k) {
    if (k.fate != fate::closed) ++plan_.unchanged;
    if (k.fate != fate::indexed) return;
    live_weight_[k.shard] += weight_of(k.stamp.bytes);
    live_.push_back(std::move(k));
  }

  /// Files that are as they were, but whose shard is to go.
  ///
  /// Of `many_shards` those go too that are lighter than a third of a batch: the others cannot be more than three times
  /// `most_batches`, and that leaves room for those of a build.
  void renew(std::vector<shard_row> const& shards) {
    std::vector<std::int64_t> small, doomed;
    std::int64_t const parts = shards.size() > many_shards ? 3 : 4;
    for (shard_row const& s : shards) {
      std::int64_t const alive = live_weight_[s.id];
      if (2 * alive < s.weight)
        doomed.push_back(s.id);
      else if (parts * alive < batch_)
        small.push_back(s.id);
    }
    if (small.size() > most_small_shards) doomed.insert(doomed.end(), small.begin(), small.end());
    std::ranges::sort(doomed);
    for (known_file& k : live_)
      if (std::ranges::binary_search(doomed, k.shard) && !lies_in_closed(k.path))
        renewed_.push_back({k.path, k.stamp, std::make_unique<known_file>(std::move(k))});
  }

  /// How heavy the next batch may become. The last ones are lighter, so that the workers come to the end together (guided
  /// self-scheduling, Polychronopoulos and Kuck 1987).
  std::int64_t limit(std::int64_t left) const { return std::clamp(left / 8, batch_ / 3, batch_); }

  void append(std::vector<task> more) {
    std::size_t const first = plan_.tasks.size();
    if (first == 0)
      plan_.tasks = std::move(more);
    else
      std::ranges::move(more, std::back_inserter(plan_.tasks));
    divide(first);
  }

  /// Into batches: the tasks from the first one named.
  void divide(std::size_t first) {
    std::int64_t left = 0;
    for (task const& t : std::span(plan_.tasks).subspan(first)) left += weight_of(t.stamp.bytes);
    std::int64_t room = 0;
    for (std::size_t i = first; i < plan_.tasks.size(); ++i) {
      std::int64_t const more = weight_of(plan_.tasks[i].stamp.bytes);
      if (i == first || more > room) {
        plan_.batches.emplace_back(i, i);
        room = limit(left);
      }
      room -= more;
      left -= more;
      plan_.bytes += plan_.tasks[i].stamp.bytes;
      ++plan_.batches.back().second;
    }
  }

  plan_options const& options_;
  std::int64_t batch_;
  plan plan_;
  std::vector<task> changed_, again_, renewed_;
  std::vector<known_file> live_;
  std::map<std::int64_t, std::int64_t> live_weight_;
  std::set<std::string> closed_;  // directories that cannot be listed, or whose listing is not believed
};

}  // namespace

plan make_plan(std::vector<found_file> found, std::vector<known_file> known, std::vector<shard_row> const& shards,
               plan_options const& options) {
  std::int64_t const batch = batch_weight(found, options.max_bytes);
  return planner(options, batch).make(std::move(found), std::move(known), shards);
}

}  // namespace indexer
