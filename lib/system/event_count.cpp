#include "system/event_count.hpp"

namespace procx::inline v1::detail {

bool event_count::wait_beyond(std::uint64_t seen, deadline until) {
  std::unique_lock lock(mutex_);
  auto const more = [&] { return now() != seen; };
  ++sleepers_;
  bool in_time = true;
  if (until == deadline::max())
    more_.wait(lock, more);
  else
    in_time = more_.wait_until(lock, until, more);
  --sleepers_;
  return in_time;
}

}  // namespace procx::inline v1::detail
