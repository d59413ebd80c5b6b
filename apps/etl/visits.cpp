#include "visits.hpp"

#include <algorithm>
#include <utility>

namespace etl {

visit_pieces::slot& visit_pieces::find(std::uint64_t visitor) {
  std::size_t at = visitor & (slots_.size() - 1);
  while (slots_[at].piece != 0 && slots_[at].visitor != visitor) at = (at + 1) & (slots_.size() - 1);
  return slots_[at];
}

void visit_pieces::grow() {
  std::vector<slot> const old = std::exchange(slots_, std::vector<slot>(slots_.size() * 2));
  for (slot const& s : old)
    if (s.piece != 0) find(s.visitor) = s;
}

void visit_pieces::add(std::uint64_t visitor, log_line const& line, std::uint32_t page, bool asks_for_robots_txt) {
  slot* known = &find(visitor);
  if (known->piece == 0) {
    if (++used_ * 2 > slots_.size()) {
      grow();
      known = &find(visitor);
    }
    known->visitor = visitor;
  }
  visit_piece const* const before = known->piece ? &pieces_[known->piece - 1] : nullptr;
  if (!before || !continues_visit(before->first, before->last, line.time)) {
    pieces_.push_back({visitor, line.time, line.time, line.time, 0, 0, 0, 0, 0, 0});
    known->piece = static_cast<std::uint32_t>(pieces_.size());
  }
  visit_piece& piece = pieces_[known->piece - 1];
  piece.first = std::min(piece.first, line.time);
  piece.last = std::max(piece.last, line.time);
  ++piece.requests;
  piece.bytes += static_cast<std::uint64_t>(line.bytes);
  piece.robot |= asks_for_robots_txt;
  if (page == 0) return;
  ++piece.pages;
  if (piece.entry == 0) piece.entry = page;
  piece.exit = page;
}

std::vector<visit_piece> visit_pieces::take() {
  std::ranges::fill(slots_, slot{});
  used_ = 0;
  return std::exchange(pieces_, {});
}

}  // namespace etl
