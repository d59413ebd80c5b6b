#include "pool/queue_middle.hpp"

#include "pool/cancellation.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <utility>

namespace procx::inline v1::detail {
namespace {

// On one worker. More than elsewhere: five threads and processes take turns, and each turn should be worth its switch.
constexpr std::uint32_t tasks_ahead = 8192;

runner_settings queue_settings(parallel_queue_options const& options) {
  runner_settings s = settings_of(options);
  s.dispatch.idle_timeout = std::chrono::seconds(30);
  s.dispatch.policy.most = tasks_ahead;
  return s;
}

std::shared_ptr<callable_table> table_of(std::shared_ptr<void> callable) {
  auto table = std::make_shared<callable_table>();
  if (callable) table->add(nullptr, std::move(callable));
  return table;
}

}  // namespace

queue_middle::queue_middle(queue_ends& ends, event_loop& loop, parallel_queue_options const& options,
                           std::shared_ptr<void> callable, std::function<void()> over,
                           std::function<void(std::exception_ptr)> broken)
    : ends_(ends),
      over_told_(std::move(over)),
      broken_told_(std::move(broken)),
      settings_(queue_settings(options)),
      callables_(table_of(std::move(callable))),
      dispatcher_(loop, settings_.dispatch, callables_, settings_.source(loop, callables_)) {}

void queue_middle::go_on() {
  workers_.store(dispatcher_.workers(), std::memory_order_relaxed);
  measure();  // first: what is handed out depends on it
  feed();
  publish();
  check_over();
  if (over_) return;
  dispatcher_.pump();
  workers_.store(dispatcher_.workers(), std::memory_order_relaxed);
}

void queue_middle::stop_at(std::uint64_t all) {
  all_ = all;
  go_on();
}

void queue_middle::end() noexcept {
  over_ = true;
  dispatcher_.stop();
  workers_.store(0, std::memory_order_relaxed);
}

void queue_middle::on_progress() { go_on(); }

void queue_middle::on_value(std::uint64_t index, worker_name const&, encoded_value const& value) {
  ++tasks_over_;
  task_bytes_come_ += value.size();
  finish(index, value);
}

void queue_middle::on_values(std::uint64_t first, worker_name const& worker, value_series const& values) {
  if (values.length > taken_result::most_bytes) return task_sink::on_values(first, worker, values);
  std::size_t const bytes = values.count * values.length;
  tasks_over_ += values.count;
  task_bytes_come_ += bytes;
  bytes_come_ += bytes;
  results_.add_series(first, values);
}

void queue_middle::on_failure(std::uint64_t index, worker_name const&, std::exception_ptr error) {
  ++tasks_over_;
  fail(index, std::move(error));
}

void queue_middle::finish(std::uint64_t index, encoded_value const& value) {
  if (value.blocks || value.bytes.size() > taken_result::most_bytes) {
    std::unique_ptr<held_result> held;
    try {
      held = std::make_unique<held_result>(held_result::copy_of(value));
    } catch (...) {
      return fail(index, std::current_exception());
    }
    results_.add(index, std::move(held));
  } else {
    results_.add(index, value.bytes);
  }
  bytes_come_ += value.size();
}

void queue_middle::fail(std::uint64_t index, std::exception_ptr error) {
  auto held = std::make_unique<held_result>();
  held->error = std::move(error);
  results_.add(index, std::move(held));
}

/// Hands tasks to the dispatcher: as many as are of use, and as their results may take memory.
void queue_middle::feed() {
  if (over_) return;
  std::size_t room = lane_.room();
  if (room == 0) return;
  room = std::min(room, allowed());
  while (room > 0 && has_waiting()) room -= feed_front(room);
  lane_.expect_remaining(is_stopped() ? static_cast<std::size_t>(all_ - fed_) : ~std::size_t{0});
}

/// How many more tasks may be under way, as far as that is a matter of their results' bytes.
std::size_t queue_middle::allowed() {
  if (is_stopped() && ends_.counts.joiners.load() > 0) return ~std::size_t{0};  // to come to an end, whoever takes results
  if (std::size_t const n = room_for_results()) return n;
  ends_.counts.pool_waits.store(true);
  static_cast<void>(ends_.counts.taken_now());
  std::size_t const n = room_for_results();  // if any were taken in between, nobody would say so
  if (n) ends_.counts.pool_waits.store(false);
  return n;
}

std::size_t queue_middle::room_for_results() const noexcept {
  if (average_ < 1) return ~std::size_t{0};
  std::uint64_t const kept = ends_.counts.result_bytes_kept() + (bytes_come_ - ends_.counts.result_bytes_come.load());
  std::size_t const under_way = tasks_fed_ - tasks_over_;
  std::uint64_t const arguments = std::min<std::uint64_t>(bytes_held(), ends_.limits.bytes);
  std::uint64_t const bound = std::max<std::uint64_t>(ends_.limits.bytes / 2, ends_.limits.bytes - arguments);
  double const fit = kept < bound ? static_cast<double>(bound - kept) / average_ : 0;
  std::size_t const all = std::max<std::size_t>(kept == 0, static_cast<std::size_t>(std::min(fit, 1e9)));  // one alone
  return all - std::min(all, under_way);
}

/// Of the arguments of tasks that are not over.
std::size_t queue_middle::bytes_held() const noexcept {
  return dispatcher_.task_bytes() - (tasks_fed_ - tasks_over_) * arguments_length_size;
}

bool queue_middle::has_waiting() {
  if (begun_) return true;
  // If nothing is there, it is early enough to look again when results have come.
  if (batches_.empty() && !ends_.entrance.take(batches_, lane_.short_of_tasks())) return false;
  buffer& items = batches_.front().items;
  at_ = lane_.adopt(items);
  ends_.entrance.give_back(std::move(items));
  begun_ = true;
  return true;
}

/// Hands out what is left of the first batch, as far as there is room; how many tasks that were.
std::size_t queue_middle::feed_front(std::size_t room) {
  std::size_t fed = 0;
  auto& kinds = batches_.front().kinds;
  while (kinds_fed_ < kinds.size() && fed < room) {
    queue_batch::kind& kind = kinds[kinds_fed_];
    if (kind.count == 0) {  // there was no memory for the item
      ++kinds_fed_;
      continue;
    }
    std::uint64_t const tasks_before = tasks_fed_;
    std::uint32_t count = 1;
    if (kind.is_task && !kind.has_slabs && cancelled_.empty())
      count = feed_tasks(kind, room - fed);
    else
      feed_other(kind);
    fed += tasks_fed_ - tasks_before;
    fed_ += count;
    kind.count -= count;
    kinds_fed_ += kind.count == 0;
  }
  if (kinds_fed_ == kinds.size()) {
    lane_.all_added(at_);
    batches_.pop_front();
    kinds_fed_ = 0;
    begun_ = false;
  }
  return fed;
}

/// Tasks of one kind, as far as they are of one length; how many.
std::uint32_t queue_middle::feed_tasks(queue_batch::kind const& kind, std::size_t room) {
  std::size_t const size = task_store::size_at(lane_.at(at_));
  auto const most = static_cast<std::uint32_t>(std::min<std::size_t>(kind.count, room));
  std::uint32_t const count = lane_.add_tasks(at_, most, kind.head, fed_);
  bytes_fed_ += count * size;
  tasks_fed_ += count;
  return count;
}

/// An item that may be more than a small task, or less.
void queue_middle::feed_other(queue_batch::kind const& kind) {
  std::byte const* const item = lane_.at(at_);
  std::size_t const size = task_store::size_at(item);
  bytes_fed_ += size;
  slab_sink blocks;
  if (kind.has_slabs) {
    auto& of_batch = batches_.front().slabs;
    blocks = std::move(of_batch.front());
    of_batch.pop_front();
    bytes_fed_ += blocks.bytes();
  }
  bool const cancelled = cancelled_.erase(fed_) > 0;
  if (kind.is_task && !cancelled) {
    tasks_fed_ += lane_.add_tasks(at_, 1, kind.head, fed_, std::move(blocks));
    return;
  }
  at_.offset += arguments_length_size + size;
  if (cancelled)
    fail(fed_, std::make_exception_ptr(task_cancelled()));
  else
    finish(fed_, std::span(item + arguments_length_size, size));
}

void queue_middle::publish() {
  std::uint64_t const over_before = ends_.counts.argument_bytes_over.load(std::memory_order_relaxed);
  ends_.counts.result_bytes_come.store(bytes_come_);
  std::uint64_t const over = bytes_fed_ - bytes_held();
  ends_.counts.argument_bytes_over.store(over);
  bool const bytes_gone = over != over_before;
  ends_.exit.publish(results_);
  bool const room_made = ends_.counts.producers_wait_for.load() <= ends_.counts.taken.load();
  if (room_made || (bytes_gone && ends_.counts.producers_wait_for_bytes.load())) ends_.entrance.room_made();
}

/// What a result takes: a moving average.
void queue_middle::measure() noexcept {
  std::uint64_t const results = tasks_over_ - measured_results_;
  if (results == 0) return;
  double const each = static_cast<double>(task_bytes_come_ - measured_bytes_) / static_cast<double>(results);
  average_ = measured_results_ == 0 ? each : average_ + (each - average_) / 4;
  measured_results_ = tasks_over_;
  measured_bytes_ = task_bytes_come_;
}

void queue_middle::cancel(std::uint64_t index, boost::asio::cancellation_type how) {
  if (index < results_.first() || index >= ends_.entrance.admitted()) return;
  if (index >= fed_)
    cancelled_.insert(index);
  else
    lane_.cancel(index, how_to(how));
  go_on();
}

void queue_middle::check_over() {
  if (!is_stopped() || fed_ < all_ || tasks_over_ < tasks_fed_ || std::exchange(over_, true)) return;
  over_told_();
}

}  // namespace procx::inline v1::detail
