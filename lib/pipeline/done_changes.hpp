#pragma once

#include <procx/pipeline/cursor.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace procx::inline v1::detail {

/// What a stored copy of the parts that are done is to do after several changes, so that a range which has grown ten times is stored once.
class done_changes {
 public:
  void add(done_parts::change const& change) {
    if (change.added.empty()) return;
    auto& places = sources_[change.source];
    for (std::uint64_t const begin : change.removed) {
      auto const [at, is_stored] = places.try_emplace(begin, place{true, {}});
      if (is_stored || at->second.is_stored)
        at->second.end.reset();
      else
        places.erase(at);
    }
    for (done_parts::range const& r : change.added) places.try_emplace(r.begin, place{false, {}}).first->second.end = r.end;
  }
  std::vector<done_parts::change> all() const {
    std::vector<done_parts::change> all;
    for (auto const& [source, places] : sources_) {
      done_parts::change& c = all.emplace_back(done_parts::change{source});
      for (auto const& [begin, p] : places) {
        if (p.is_stored) c.removed.push_back(begin);
        if (p.end) c.added.push_back({begin, *p.end});
      }
    }
    return all;
  }
  void clear() noexcept { sources_.clear(); }

 private:
  /// Where a range begins.
  struct place {
    bool is_stored;                    // one that begins here was stored, and is to be removed
    std::optional<std::uint64_t> end;  // of the new one that begins here
  };

  std::map<std::string, std::map<std::uint64_t, place>> sources_;
};

}  // namespace procx::inline v1::detail
