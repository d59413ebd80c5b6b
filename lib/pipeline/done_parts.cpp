#include <procx/pipeline/cursor.hpp>

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace procx::inline v1 {

bool done_parts::overlaps(cursor const& part) const {
  auto const source = sources_.find(part.source);
  if (part.empty() || source == sources_.end()) return false;
  auto const behind = source->second.lower_bound(part.end);  // the first range that begins at its end or later
  return behind != source->second.begin() && std::prev(behind)->second > part.begin;
}

bool done_parts::contains(cursor const& part) const {
  auto const source = sources_.find(part.source);
  if (part.empty() || source == sources_.end()) return false;
  auto const behind = source->second.upper_bound(part.begin);
  return behind != source->second.begin() && std::prev(behind)->second >= part.end;
}

done_parts::change done_parts::add(cursor const& part) {
  if (part.empty()) return {};
  if (part.end < part.begin) throw std::invalid_argument("procx: a part of " + part.source + " ends before it begins");
  if (overlaps(part))
    throw std::invalid_argument("procx: of " + part.source + ", from " + std::to_string(part.begin) + " to " +
                                std::to_string(part.end) + ", a part was done before, and not all of it");
  ranges_by_begin& ranges = sources_[part.source];
  change made{part.source, {}, {{part.begin, part.end}}};
  range& whole = made.added.front();
  auto const drop = [&](ranges_by_begin::iterator which) {
    made.removed.push_back(which->first);
    return ranges.erase(which);
  };
  auto behind = ranges.lower_bound(part.end);
  if (behind != ranges.begin())
    if (auto const before = std::prev(behind); before->second == part.begin) {
      whole.begin = before->first;
      behind = drop(before);
    }
  if (behind != ranges.end() && behind->first == part.end) {
    whole.end = behind->second;
    drop(behind);
  }
  ranges.emplace(whole.begin, whole.end);
  return made;
}

std::vector<done_parts::range> done_parts::ranges(std::string const& source) const {
  std::vector<range> all;
  if (auto const found = sources_.find(source); found != sources_.end())
    for (auto const& [begin, end] : found->second) all.push_back({begin, end});
  return all;
}

std::vector<done_parts::range> done_parts::missing(std::string const& source, std::uint64_t begin, std::uint64_t end) const {
  std::vector<range> all;
  for (range const& done : ranges(source)) {
    if (done.begin >= end) break;
    if (done.begin > begin) all.push_back({begin, done.begin});
    begin = std::max(begin, done.end);
  }
  if (begin < end) all.push_back({begin, end});
  return all;
}

std::vector<std::string> done_parts::sources(std::string_view prefix) const {
  std::vector<std::string> all;
  for (auto at = sources_.lower_bound(prefix); at != sources_.end() && at->first.starts_with(prefix); ++at)
    all.push_back(at->first);
  return all;
}

}  // namespace procx::inline v1
