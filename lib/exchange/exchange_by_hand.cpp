// What an exchange does for an owner that asks which channels are ready, and looks after them itself.
#include "exchange/exchange_core.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace procx::inline v1::detail {

void exchange_core::look_again() {
  bury_removed();
  for (member* m : std::exchange(reported_, {})) {
    if (m->left) continue;
    m->in_ready = false;
    if (has_given(*m) && !go_on(*m) && options_.autoclose)
      leave(*m);
    else
      classify(*m);
  }
}

/// Something can be received from this channel, or it has ended. Whether the owner is to be told.
bool exchange_core::tell(member& m) {
  channel_core& core = m.ch.core();
  bool const over = !m.faulty && !core.has_message();
  bool const quiet = over && core.ended_orderly();
  if (over && !quiet) explain_death(m);
  if (!over && !m.faulty && !core.next_is_exception()) m.expects_result = false;
  // It was on its way out when it was given its last parameters.
  if (quiet && m.at.task && m.expects_result && m.tasks > 1) waiting_.push_front(std::move(m.at));
  if ((over || m.faulty) && options_.autoclose)
    leave(m);
  else
    reported_.push_back(&m);
  return !quiet || !options_.autoclose;
}

/// Whether a process that is reused has given its result, and that was received: it waits for the next parameters.
bool exchange_core::has_given(member const& m) {
  channel_core& core = m.ch.core();
  return options_.reuse && m.at.task && !m.expects_result && !m.faulty && !core.has_message() && !core.over();
}

exchange::channel_list exchange_core::ready(deadline until) {
  by_hand_ = loop_.is_private();
  if (by_hand_) {
    throw_escaped();
    show_arrived();
  }
  look_again();
  take_back_offers();
  if (!ready_.empty() || keeps_any()) loop_.poll();  // those that were told of before are not to hide others
  exchange::channel_list list;
  if (!under_way() && !keeps_any()) {
    drop_waiting();
    start_waiting();
    while (!under_way() && see_one_leave()) start_waiting();
  }
  while (list.empty() && (under_way() || keeps_any())) {
    if (!loop_.run_until([&] { return !ready_.empty() || keeps_any() || must_cancel(); }, until)) break;
    if (ready_.empty() && !keeps_any()) drop_waiting();
    list_faces(list);
    for (member* m : std::exchange(ready_, {}))
      if (tell(*m)) list.push_back(m->ch);
    start_waiting();
  }
  if (!unfinished()) see_all_off();
  return list;
}

/// Whether there is anything to receive from the worker's stand-in, or will be when that was received.
bool exchange_core::has_untaken(pid_t worker, std::deque<arrived_result> const& results) const {
  return results.size() > 1 || !results.front().is_offered || stand_ins_.at(worker).core().offers();
}

bool exchange_core::keeps_any() const noexcept {
  return std::ranges::any_of(kept_, [this](auto const& of) { return has_untaken(of.first, of.second); });
}

/// What was received since the last look is done with.
void exchange_core::take_back_offers() {
  for (auto at = kept_.begin(); at != kept_.end();) {
    auto& [worker, results] = *at;
    if (results.front().is_offered && !stand_ins_.at(worker).core().offers()) {
      if (results.front().result.error) stand_ins_.erase(worker);  // it may be gone for good
      results.pop_front();
    }
    at = results.empty() ? kept_.erase(at) : std::next(at);
  }
}

/// The stand-ins of workers from which something can be received: of each, one result at a time.
void exchange_core::list_faces(exchange::channel_list& list) {
  for (auto& [worker, results] : kept_) {
    channel& stand_in = stand_in_for(worker);
    arrived_result& first = results.front();
    if (!std::exchange(first.is_offered, true)) {
      stand_in.core().tag = first.id;
      if (first.result.error)
        stand_in.core().offer(first.result.error);
      else
        stand_in.core().offer(first.result.value());
    }
    if (stand_in.core().offers()) list.push_back(stand_in);
  }
}

/// The owner looked after its channels itself, or had not said what it would do; now it wants them stored.
void exchange_core::show_kept() {
  by_hand_ = false;
  take_back_offers();
  std::deque<arrived_result> kept;
  for (auto& [worker, results] : std::exchange(kept_, {}))
    for (arrived_result& r : results) {
      if (std::exchange(r.is_offered, false)) stand_in_for(worker).core().withdraw_offers();
      kept.push_back(std::move(r));
    }
  arrived_.insert(arrived_.begin(), std::make_move_iterator(kept.begin()), std::make_move_iterator(kept.end()));
  show_arrived();
}

}  // namespace procx::inline v1::detail
