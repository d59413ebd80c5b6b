#include "daemon/client_calls.hpp"

#include <algorithm>
#include <utility>

namespace procx::inline v1::detail {

bool client_calls::has_room(std::size_t bytes) const noexcept {
  return open_ && sent_ < terms_.calls && (sent_ == 0 || sent_bytes_ + bytes <= terms_.bytes);
}

void client_calls::note_sent(call& c) noexcept {
  c.sent = true;
  ++sent_;
  sent_bytes_ += c.bytes;
}

std::uint64_t client_calls::add(call_head const& head, std::span<std::byte const> arguments, std::unique_ptr<operation>&& op,
                                bool on_loop, buffer& out) {
  std::uint64_t const id = last_ + 1;
  bool const at_once = unsent_.empty() && has_room(arguments.size());
  call c;
  c.bytes = arguments.size();
  c.on_loop = on_loop;
  add_call(c.frame, id, head, arguments);
  auto const added = calls_.emplace(id, std::move(c)).first;
  try {
    if (at_once)
      out.append(added->second.frame.data(), added->second.frame.size());
    else
      unsent_.push_back(id);
  } catch (...) {
    calls_.erase(added);
    throw;
  }
  if (at_once) note_sent(added->second);
  added->second.op = std::move(op);
  last_ = id;
  on_loop_ += on_loop;
  return id;
}

void client_calls::send(buffer& out) {
  while (!unsent_.empty()) {
    auto const next = calls_.find(unsent_.front());
    if (next != calls_.end()) {
      call& c = next->second;
      if (!has_room(c.bytes)) return;
      out.append(c.frame.data(), c.frame.size());
      note_sent(c);
    }
    unsent_.pop_front();
  }
}

std::unique_ptr<operation> client_calls::erase(table::iterator at) noexcept {
  call& c = at->second;
  if (c.sent) {
    --sent_;
    sent_bytes_ -= c.bytes;
  }
  on_loop_ -= c.on_loop;
  auto op = std::move(c.op);
  calls_.erase(at);
  return op;
}

std::unique_ptr<operation> client_calls::take(std::uint64_t id) noexcept {
  auto const at = calls_.find(id);
  return at == calls_.end() ? nullptr : erase(at);
}

std::unique_ptr<operation> client_calls::take_unsent(std::uint64_t id) noexcept {
  auto const at = calls_.find(id);
  return at == calls_.end() || at->second.sent ? nullptr : erase(at);
}

void client_calls::open(session_terms const& terms) {
  terms_ = terms;
  open_ = true;
}

std::vector<std::unique_ptr<operation>> client_calls::close(bool none_has_run) {
  std::vector<std::unique_ptr<operation>> lost;
  open_ = false;
  std::vector<std::uint64_t> again;
  for (auto c = calls_.begin(); c != calls_.end();) {
    auto const here = c++;
    if (here->second.sent && !none_has_run && !(repeats_ && terms_.kept_for > 0)) {
      lost.push_back(erase(here));
      continue;
    }
    here->second.sent = false;
    again.push_back(here->first);
  }
  std::ranges::sort(again);
  unsent_.assign(again.begin(), again.end());
  sent_ = sent_bytes_ = 0;
  return lost;
}

std::vector<std::unique_ptr<operation>> client_calls::take_all() {
  std::vector<std::unique_ptr<operation>> all;
  for (auto& [id, c] : calls_) all.push_back(std::move(c.op));
  calls_.clear();
  unsent_.clear();
  sent_ = sent_bytes_ = on_loop_ = 0;
  return all;
}

}  // namespace procx::inline v1::detail
