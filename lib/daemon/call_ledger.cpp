#include "daemon/call_ledger.hpp"

#include <procx/error/exceptions.hpp>

namespace procx::inline v1::detail {

call_ledger::arrival call_ledger::add(std::uint64_t id) {
  if (id == 0 || id > largest) throw protocol_error("a call has a number that none has");
  if (id > last_) {
    if (keeps_) running_.emplace(id, true);
    last_ = id;
    return arrival::fresh;
  }
  if (!keeps_) throw protocol_error("a number of a call is used for a second time");
  if (auto const running = running_.find(id); running != running_.end()) {
    running->second = true;
    return arrival::running;
  }
  return answers_.contains(id) ? arrival::answered : arrival::gone;
}

bool call_ledger::answered(std::uint64_t id, std::span<std::byte const> frame) {
  if (!keeps_) return true;
  auto const running = running_.find(id);
  if (running == running_.end()) return false;
  bool const is_wanted = running->second;
  answers_.emplace(id, frame);
  bytes_ += frame.size();
  running_.erase(running);
  return is_wanted;
}

void call_ledger::resume() noexcept {
  for (auto& [id, is_wanted] : running_) is_wanted = false;
}

void call_ledger::acknowledged(std::uint64_t id) noexcept {
  auto const answer = answers_.find(id);
  if (answer == answers_.end()) return;
  bytes_ -= answer->second.size();
  answers_.erase(answer);
}

}  // namespace procx::inline v1::detail
