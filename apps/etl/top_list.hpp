#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace etl {

/// The texts with the greatest weights, in bounded memory, however many texts there are.
///
/// The algorithm is Space-Saving (Metwally and others, 2005) with dropping in batches: up to twice `capacity` texts are kept, and
/// when there are more, the `capacity` heaviest stay. What is dropped had at most the weight `floor`; a text that comes (again)
/// afterwards begins with that weight, which is then the most that it can be too heavy by (`excess`). So
///
///     weight - excess  <=  true weight  <=  weight,     floor  <=  sum of all weights / capacity
///
/// and every text that is heavier than that share is in the list. As long as there are at most 2 * `capacity` texts all is exact.
/// `Details` are kept beside it, from when a text was last taken in: they can be added by `+=`.
template <class Details>
class top_list {
 public:
  struct entry {
    std::uint64_t weight = 0;
    std::uint64_t excess = 0;
    Details details = {};
    bool changed = false;  ///< since `take_changes`
    bool stored = false;   ///< was given out by `take_changes`
  };

  explicit top_list(std::size_t capacity) : capacity_(capacity) { entries_.reserve(2 * capacity + 2); }

  /// Adds to the weight of a text.
  void add(std::string_view text, std::uint64_t weight, Details const& details) {
    auto at = entries_.find(text);
    if (at == entries_.end()) {
      if (entries_.size() >= 2 * capacity_) drop_light();
      at = entries_.emplace(std::string(text), entry{floor_, floor_, {}, false, false}).first;
    }
    at->second.weight += weight;
    at->second.details += details;
    at->second.changed = true;
  }

  /// Continues a list that was kept elsewhere: all its texts, and its floor.
  void restore(std::string text, entry kept) {
    kept.stored = true;
    entries_.insert_or_assign(std::move(text), std::move(kept));
  }
  void restore_floor(std::uint64_t floor) { floor_ = floor; }

  std::uint64_t floor() const { return floor_; }
  std::size_t size() const { return entries_.size(); }

  /// Tells what is different since the last call: `store(text, entry)` for texts that are new or heavier, after
  /// `forget(text)` for those that were dropped.
  template <class Store, class Forget>
  void take_changes(Store store, Forget forget) {
    for (std::string const& text : dropped_) forget(text);
    dropped_.clear();
    for (auto& [text, e] : entries_) {
      if (!e.changed) continue;
      store(text, e);
      e.changed = false;
      e.stored = true;
    }
  }

 private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };
  using table = std::unordered_map<std::string, entry, hash, std::equal_to<>>;

  /// Of texts with one weight the first in the alphabet stay, so that the result does not depend on the table.
  void drop_light() {
    std::vector<typename table::iterator> all;
    for (auto at = entries_.begin(); at != entries_.end(); ++at) all.push_back(at);
    auto const heavier = [](auto const& a, auto const& b) {
      return a->second.weight != b->second.weight ? a->second.weight > b->second.weight : a->first < b->first;
    };
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(capacity_), all.end(), heavier);
    for (std::size_t i = capacity_; i < all.size(); ++i) {
      floor_ = std::max(floor_, all[i]->second.weight);
      if (all[i]->second.stored) dropped_.push_back(all[i]->first);
      entries_.erase(all[i]);
    }
  }

  std::size_t capacity_;
  std::uint64_t floor_ = 0;
  table entries_;
  std::vector<std::string> dropped_;  ///< that were given out
};

}  // namespace etl
