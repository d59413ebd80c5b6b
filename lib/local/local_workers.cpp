#include "local/local_workers.hpp"

#include "local/local_worker.hpp"
#include "local/worker_process.hpp"
#include "system/io.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t most_with_large_pipes = 64;  // workers: if all of a user's pipes hold too much, new ones hold little

/// Whether what was thrown is the system's fault, so that it may pass.
bool is_shortage(std::exception_ptr const& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (boost::system::system_error const&) {
    return true;
  } catch (std::bad_alloc const&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

local_workers::local_workers(worker_events& events, event_loop& loop, local_options const& options,
                             std::shared_ptr<callable_table> callables)
    : events_(events),
      loop_(loop),
      options_(options),
      callables_(std::move(callables)),
      board_(std::make_shared<board>(options.workers)),
      arena_(slab_arena::own()),
      taken_(options.workers) {
  if (arena_) arena_->enter();
  if (options_.limits.control_groups) group_ = control_group::make();
}

local_workers::~local_workers() {
  shut_now();
  if (arena_ && !loop_.foreign()) arena_->leave();
}

void local_workers::prepare() {
  if (nurseries_.empty() || !nurseries_.back()->alive()) replace_nursery();
}

std::shared_ptr<nursery> local_workers::make_nursery() {
  worker_settings const how{options_.frame_limit, options_.setup, options_.teardown, options_.memory_limit,
                            options_.limits, options_.takes_messages, options_.capture == captured::everything,
                            options_.log ? std::optional(mark_) : std::nullopt};
  auto const body = [board = board_, callables = callables_, how, group = group_](nursery_order const& o) {
    worker_order order{};
    std::memcpy(&order, o.message.data(), sizeof order);
    if (group) group->enter(order.slab_owner);
    slab_arena::work_for_parent(order.slab_owner);
    return run_worker(o.descriptors[0], o.descriptors[1], (*board)[order.number], *callables, how);
  };
  if (!group_) return nursery::make(body);
  return nursery::make(body, [group = group_] { group->end_all(); });
}

void local_workers::replace_nursery() {
  std::uint32_t const knows = callables_->size();
  auto const guarded = [this, alive = std::weak_ptr(alive_)](std::function<void()> const& f) {
    if (!alive.expired()) events_.guarded(f);
  };
  nurseries_.push_back(std::make_shared<nursery_link>(loop_.executor(), make_nursery(), knows, guarded));
  dismiss_unused();
}

void local_workers::order(task_head const* first) {
  try {
    send_order(first);
  } catch (...) {
    auto const why = std::current_exception();
    if (!is_shortage(why)) throw;
    events_.on_no_worker(why, !nurseries_.empty() && !nurseries_.back()->alive());
  }
}

void local_workers::send_order(task_head const* first) {
  bool const usable = !nurseries_.empty() && nurseries_.back()->alive() &&
                      (!first || nurseries_.back()->knows() >= callable_table::needed_for(first->callable));
  if (!usable) replace_nursery();

  auto const number = static_cast<std::uint32_t>(std::ranges::find(taken_, false) - taken_.begin());
  auto expected = std::make_shared<expected_worker>();
  expected->order = {number, slab_arena::new_owner()};
  expected->from = nurseries_.back();
  (*board_)[number].reset();
  auto [task_read, task_write] = make_pipe();
  auto [result_read, result_write] = make_pipe();
  if (options_.workers <= most_with_large_pipes)
    for (descriptor const* pipe : {&task_write, &result_write}) ask_for_pipe_size(*pipe, worker_pipe_size);
  expected->tasks = std::move(task_write);
  expected->results = std::move(result_read);
  std::vector<descriptor> given;
  given.push_back(std::move(task_read));
  given.push_back(std::move(result_write));
  taken_[number] = true;
  ++expected->from->users;
  try {
    place_order(expected, std::move(given));
  } catch (...) {
    if (expected->from) release(expected->order, *expected->from);
    throw;
  }
}

/// Where the loop is the user's nothing may block, and the answer comes in a handler.
void local_workers::place_order(std::shared_ptr<expected_worker> const& expected, std::vector<descriptor> given) {
  auto const message = std::as_bytes(std::span(&expected->order, 1));
  if (loop_.is_private())
    return on_answer(*expected, expected->from->spawn(message, std::move(given), options_.capture), nullptr);
  expected->from->order(
      message, std::move(given), options_.capture,
      [this, expected, alive = std::weak_ptr(alive_)](std::unique_ptr<process_state> process, std::exception_ptr why) {
        if (alive.expired()) return;
        on_answer(*expected, std::move(process), std::move(why));
        events_.on_answered();
      });
}

void local_workers::on_answer(expected_worker& expected, std::unique_ptr<process_state> process, std::exception_ptr why) {
  auto const from = std::move(expected.from);
  bool is_made = false;
  if (!why) try {
      auto made = std::make_unique<local_worker>(*this, expected.order, from, (*board_)[expected.order.number],
                                                 std::move(process), std::move(expected.tasks), std::move(expected.results));
      is_made = true;  // and sees to its number itself
      return events_.on_worker(std::move(made));
    } catch (...) {
      why = std::current_exception();
    }
  if (!is_made) release(expected.order, *from);
  if (!is_shortage(why)) std::rethrow_exception(why);
  events_.on_no_worker(why, !from->alive());
}

void local_workers::release(worker_order const& order, nursery_link& from) noexcept {
  taken_[order.number] = false;
  --from.users;
  try {
    dismiss_unused();
  } catch (...) {
    // They go with this object.
  }
}

/// Nurseries that were replaced end when none of their workers is left.
void local_workers::dismiss_unused() {
  for (std::size_t i = 0; i + 1 < nurseries_.size();) {
    if (nurseries_[i]->users > 0) {
      ++i;
      continue;
    }
    auto const unused = nurseries_[i];
    nurseries_.erase(nurseries_.begin() + static_cast<std::ptrdiff_t>(i));
    dismiss(unused);
  }
}

void local_workers::dismiss(std::shared_ptr<nursery_link> const& n) {
  leaving_.push_back(n);
  n->leave([this, which = n.get(), alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    std::erase_if(leaving_, [&](auto const& l) { return l.get() == which; });
    tell_gone();
  });
}

void local_workers::rest() {
  for (auto const& n : nurseries_) n->rest();
}

void local_workers::shut(std::function<void()> then) {
  for (auto const& n : std::exchange(nurseries_, {})) dismiss(n);
  gone_ = std::move(then);
  tell_gone();
}

void local_workers::tell_gone() {
  if (leaving_.empty() && gone_) std::exchange(gone_, nullptr)();
}

void local_workers::shut_now() noexcept {
  for (auto* all : {&nurseries_, &leaving_}) {
    for (auto const& n : *all) n->release();
    all->clear();
  }
}

}  // namespace procx::inline v1::detail
