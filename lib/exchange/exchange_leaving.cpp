// How the processes of an exchange leave: each has given what it had to give, and is gone in a moment. Until it is reaped it
// is a zombie, which only its parent can end, by looking.
#include "exchange/exchange_core.hpp"

#include "process/process_state.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::chrono::milliseconds moment{100};      // for those that are left when all is through
constexpr std::chrono::milliseconds first_look{1};  // on the user's executor; then twice as long each time

}  // namespace

/// For a process that should be gone in a moment, or by then.
void exchange_core::see_off(process& p, std::chrono::steady_clock::time_point until) {
  if (p.wait_for(std::max(until - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration(0)))) return;
  p.kill(SIGKILL);
  p.wait();
}

void exchange_core::bury_removed() {
  for (member& m : removed_) {
    m.watch.reset();
    process child = std::move(m.ch.core().child());
    m.ch.close();
    if (child && !child.try_wait()) leaving_.push_back(std::move(child));
  }
  removed_.clear();
  std::erase_if(taken_out_, [](member const& m) { return !m.shown; });
  reap_leaving();
  if (!loop_.is_private()) look_after_leaving(first_look);
}

void exchange_core::reap() {
  for (member& m : removed_)
    if (m.ch.core().child()) m.ch.core().child().try_wait();
  reap_leaving();
}

void exchange_core::reap_leaving() {
  std::erase_if(leaving_, [](process& p) { return p.try_wait().has_value(); });
}

/// All is through, and perhaps nobody calls again: waits for those that leave, a moment in all. One that takes longer is
/// reaped by whoever looks next.
void exchange_core::see_all_off() {
  auto const until = std::chrono::steady_clock::now() + moment;
  auto const left = [&] { return std::max(until - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration(0)); };
  for (member& m : removed_)
    if (m.ch.core().child()) m.ch.core().child().wait_for(left());
  for (process& p : leaving_) p.wait_for(left());
  reap_leaving();
}

/// On the user's executor nobody is waited for: looks again for a second, which is as long as the loop is kept from running
/// out of work.
void exchange_core::look_after_leaving(std::chrono::milliseconds in) {
  if (leaving_.empty() || looks_after_leaving_ || in > channel_core::dying_time) return;
  looks_after_leaving_ = true;
  leaving_timer_.expires_after(in);
  leaving_timer_.async_wait([self = weak_from_this(), in](boost::system::error_code) {
    auto const core = self.lock();
    if (!core || core->foreign()) return;
    core->looks_after_leaving_ = false;
    core->reap_leaving();
    core->look_after_leaving(2 * in);
  });
}

}  // namespace procx::inline v1::detail
