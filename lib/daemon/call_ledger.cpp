#include "daemon/call_ledger.hpp"

#include <procx/error/exceptions.hpp>

namespace procx::inline v1::detail {

call_ledger::arrival call_ledger::add(std::uint64_t id) {
  if (id == 0 || id > largest) throw protocol_error("a call has a number that none has");
  if (id > last_) {
    if (keeps_) running_.insert(id);
    last_ = id;
    return arrival::fresh;
  }
  if (!keeps_) throw protocol_error("a number of a call is used for a second time");
  if (running_.contains(id)) return arrival::running;
  return answers_.contains(id) ? arrival::answered : arrival::gone;
}

void call_ledger::answered(std::uint64_t id, std::span<std::byte const> frame) {
  if (!keeps_ || !running_.contains(id)) return;
  answers_.emplace(id, frame);
  bytes_ += frame.size();
  running_.erase(id);
}

void call_ledger::acknowledged(std::uint64_t id) noexcept {
  auto const answer = answers_.find(id);
  if (answer == answers_.end()) return;
  bytes_ -= answer->second.size();
  answers_.erase(answer);
}

}  // namespace procx::inline v1::detail
