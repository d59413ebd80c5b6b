#pragma once

#include "digest.hpp"

#include <cstdint>
#include <vector>

namespace etl {

// A visit is what a visitor, known by address and agent, asks for without pausing for more than half an hour. A request belongs to
// the visitor's visit so far if its time is at most half an hour after the latest of it, or before the earliest; otherwise it begins
// another visit. (Lines are written when requests end, so that times may go back a little.)
//
// Visits are made in pieces, chunk by chunk, and the pieces joined in order by the same rule, applied to the time of a piece's first
// line. That gives what one pass over all lines would give: what has joined within a piece also joins if the piece has joined an
// earlier one, for that only widens the span that the rule looks at; and where a piece has ended within a chunk the rule is asked
// again.
constexpr epoch_seconds longest_pause = 30 * 60;

constexpr bool continues_visit(epoch_seconds first, epoch_seconds last, epoch_seconds time) {
  return time <= last + longest_pause && time >= first - longest_pause;
}

/// Makes the pieces of one chunk.
class visit_pieces {
 public:
  /// `page` is the number of the page in `digest::paths`, from 1; 0 if the request is no page view.
  void add(std::uint64_t visitor, log_line const& line, std::uint32_t page, bool asks_for_robots_txt);
  std::vector<visit_piece> take();

 private:
  struct slot {
    std::uint64_t visitor = 0;
    std::uint32_t piece = 0;  ///< the visitor's last, from 1; 0: free
    std::uint32_t padding = 0;
  };
  slot& find(std::uint64_t visitor);
  void grow();

  std::vector<visit_piece> pieces_;
  std::vector<slot> slots_ = std::vector<slot>(1024);
  std::size_t used_ = 0;
};

}  // namespace etl
