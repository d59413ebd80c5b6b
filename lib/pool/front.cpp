#include "pool/front.hpp"

#include "pool/cancellation.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace procx::inline v1::detail {

front::front(settings const& s, std::optional<boost::asio::any_io_executor> const& executor,
             std::shared_ptr<callable_table> callables)
    : frame_limit_(s.work.dispatch.frame_limit),
      intake_(s.limits, s.work.dispatch.frame_limit, s.operations, counts_,
              [this] { on_loop<front>([](front& f) { f.on_progress(); }); }),
      context_(executor),
      callables_(std::move(callables)),
      dispatcher_(context_.loop(), s.work.dispatch, callables_, s.work.source(context_.loop(), callables_)) {}

void front::start() {
  dispatcher_.prepare();  // before there is a thread
  context_.start();
}

/// Called by the owner's destructor. No handler of this object may run concurrently on the user's executor.
void front::shut() noexcept {
  on_shut();
  refuse();
  context_.shut([this] { end(); }, shared_from_this());
}

void front::on_broken(std::exception_ptr why) noexcept {
  refuse();
  end(why);
}

/// Should the loop end before the workers have, it destroys the handler that keeps this object, and that waits for them.
void front::end_workers(std::function<void()> then) noexcept {
  if (!context_.is_private()) try {
      ending_.emplace(context_.executor(), boost::asio::steady_timer::time_point::max());
      ending_->async_wait([self = shared_from_this()](boost::system::error_code) {});
      return dispatcher_.stop([this, then] {
        end_others([this, then] {
          workers_.store(0, std::memory_order_relaxed);
          then();
          ending_->cancel();
        });
      });
    } catch (std::bad_alloc const&) {
      // Then it must be waited for.
    }
  dispatcher_.stop();
  end_others([&] {
    workers_.store(0, std::memory_order_relaxed);
    then();
  });
}

void front::end(std::exception_ptr const& why) noexcept {
  if (std::exchange(ended_, true)) return;
  why_ended_ = why;
  end_workers([this] { on_end(std::exchange(why_ended_, nullptr)); });  // so little is stored without memory from the heap
}

void front::pump() {
  dispatcher_.pump();
  note_workers();
}

void front::feed(std::size_t most) {
  while (most > 0 && has_batch(false)) most -= feed_front(most);
}

void front::feed_all() {
  while (has_batch(true)) feed_front(~std::size_t{0});
}

bool front::has_batch(bool all) {
  if (begun_) return true;
  if (batches_.empty() && !intake_.take(batches_, all || lane_.short_of_tasks())) return false;
  on_batch(batches_.front());
  at_ = lane_.adopt(batches_.front().items);
  begun_ = true;
  return true;
}

/// Hands out what is left of the first batch, as far as there is room; how many tasks that were.
std::size_t front::feed_front(std::size_t most) {
  std::size_t fed = 0;
  auto& runs = batches_.front().runs;
  while (runs_fed_ < runs.size() && fed < most) {
    intake_batch::run& run = runs[runs_fed_];
    if (run.count == 0) {  // there was no memory for the item
      ++runs_fed_;
      continue;
    }
    std::uint64_t const tasks_before = tasks_fed_;
    std::uint32_t count = 1;
    if (run.is_task && !run.has_slabs && cancelled_.empty())
      count = feed_tasks(run, most - fed);
    else
      feed_other(run);
    fed += tasks_fed_ - tasks_before;
    items_fed_ += count;
    run.first += count;
    run.count -= count;
    next_ = run.first;
    runs_fed_ += run.count == 0;
  }
  if (runs_fed_ == runs.size()) {
    lane_.all_added(at_);
    intake_.recycle_front(batches_);
    runs_fed_ = 0;
    begun_ = false;
  }
  return fed;
}

/// Tasks of one run, as far as they are of one length; how many.
std::uint32_t front::feed_tasks(intake_batch::run const& run, std::size_t most) {
  std::size_t const size = task_store::size_at(lane_.at(at_));
  lane* const own = lane_for(lane_.at(at_) + arguments_length_size);
  auto const n = own ? 1 : static_cast<std::uint32_t>(std::min<std::size_t>(run.count, most));
  std::uint32_t const count = (own ? *own : lane_).add_tasks(at_, n, run.head, run.first);
  bytes_fed_ += count * size;
  tasks_fed_ += count;
  return count;
}

/// An item that may be more than a small task, or less.
void front::feed_other(intake_batch::run const& run) {
  std::byte const* const item = lane_.at(at_);
  std::size_t const size = task_store::size_at(item);
  bytes_fed_ += size;
  slab_sink slabs;
  if (run.has_slabs) {
    auto& of_batch = batches_.front().slabs;
    slabs = std::move(of_batch.front());
    of_batch.pop_front();
    bytes_fed_ += slabs.bytes();
  }
  bool const cancelled = cancelled_.erase(run.first) > 0;
  if (run.is_task && !cancelled) {
    lane* const own = lane_for(item + arguments_length_size);
    tasks_fed_ += (own ? *own : lane_).add_tasks(at_, 1, run.head, run.first, std::move(slabs));
    return;
  }
  at_.offset += arguments_length_size + size;
  if (cancelled)
    on_withdrawn(run.first);
  else
    on_passed(run.first, std::span(item + arguments_length_size, size));
}

void front::cancel_task(std::uint64_t number, boost::asio::cancellation_type how) {
  if (number >= next_)
    cancelled_.insert(number);
  else
    lane_.cancel(number, how_to(how));
}

void front::publish_room() {
  std::uint64_t const over_before = counts_.argument_bytes_over.load(std::memory_order_relaxed);
  std::uint64_t const alive = argument_bytes() + bytes_elsewhere();
  std::uint64_t const over = bytes_fed_ - std::min(bytes_fed_, alive);
  bool const bytes_gone = over > over_before;
  if (bytes_gone) counts_.argument_bytes_over.store(over);
  bool const room_made = counts_.producers_wait_for.load() <= counts_.taken.load();
  if (room_made || (bytes_gone && counts_.producers_wait_for_bytes.load())) intake_.room_made();
}

}  // namespace procx::inline v1::detail
