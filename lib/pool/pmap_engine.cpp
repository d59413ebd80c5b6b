#include <procx/pool/pmap_engine.hpp>

#include "pool/dispatcher_settings.hpp"
#include "process/stop_level.hpp"
#include "system/event_loop.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <utility>

namespace procx::inline v1::detail {
namespace {

// How far drawing runs ahead of consuming, for each worker: twice the largest window, so that a task which takes long
// does not idle the others at once; and in bytes of results that nobody has taken yet.
constexpr std::size_t items_ahead = 4096;
constexpr std::size_t bytes_ahead = std::size_t{64} << 20;

std::shared_ptr<callable_table> table_of(task_entry entry, std::shared_ptr<void> callable) {
  auto table = std::make_shared<callable_table>();
  table->add(entry, std::move(callable));
  return table;
}

}  // namespace

class pmap_engine::state final : public task_sink {
 public:
  state(dispatcher::settings const& settings, std::shared_ptr<callable_table> callables, pmap_source& source)
      : source_(source),
        items_ahead_(items_ahead * settings.workers),
        dispatcher_(loop_, settings, std::move(callables), *this) {
    dispatcher_.prepare();
  }

  void on_value(std::uint64_t id, pid_t, encoded_value const& value) override {
    bytes_kept_ += value.size();
    ++stored_;
    source_.store_value(id, value);
  }
  void on_values(std::uint64_t first, pid_t, value_series const& values) override {
    bytes_kept_ += values.count * values.length;
    stored_ += values.count;
    source_.store_values(first, values);
  }
  void on_failure(std::uint64_t id, pid_t, std::exception_ptr error) override {
    ++stored_;
    source_.store_failure(id, std::move(error));
  }
  void on_progress() override { draw(); }

  bool foreign() const noexcept { return loop_.foreign(); }

  bool run_until(std::function<bool()> const& condition, std::size_t least_drawn) {
    if (foreign()) throw error(errc::foreign_process, "the workers belong to another process, which this is a fork of");
    least_drawn_ = std::max(least_drawn_, least_drawn);
    if (condition()) return true;
    draw();
    dispatcher_.pump();
    auto const no_more = [this] { return exhausted_ || stop_level() > 0; };
    auto const is_over = [&] { return (no_more() || range_error_) && dispatcher_.idle(); };
    bool const met = loop_.run_until([&] { return condition() || is_over(); }) && condition();
    if (no_more() && dispatcher_.idle()) {  // the workers end while the last results are used
      dispatcher_.set_limit(0);
      dispatcher_.pump();
    }
    if (met) return true;
    if (range_error_) std::rethrow_exception(std::exchange(range_error_, nullptr));
    if (!exhausted_ && stop_level() > 0 && source_.inputs_left() > 0) stand_for_the_rest(stopped());
    return condition();
  }

  void released(std::size_t count) noexcept {
    std::size_t const kept = stored_ - released_;
    // What a result took is known only on average by now; exact books would cost more than they tell.
    if (kept) bytes_kept_ -= bytes_kept_ / kept * std::min(count, kept);
    released_ += count;
  }

  void draw() {
    if (stop_level() > 0 || range_error_) [[unlikely]] return;
    try {
      for (auto room = dispatcher_.room(); room > 0 && !exhausted_ && may_draw() && dispatcher_.wants_more(); --room)
        draw_one();
    } catch (...) {
      range_error_ = std::current_exception();
    }
    dispatcher_.expect_remaining(exhausted_ ? 0 : source_.inputs_left());
  }

  std::size_t drawn_ = 0;
  bool exhausted_ = false;
  std::size_t busy_workers() const { return dispatcher_.busy_pids().size(); }

 private:
  bool may_draw() const noexcept {
    if (drawn_ < least_drawn_) return true;
    std::size_t const kept = stored_ - released_;
    return drawn_ - released_ < items_ahead_ && (bytes_kept_ < bytes_ahead || kept == 0);
  }

  void draw_one() {
    using drawn = pmap_source::drawn;
    drawn what = drawn::nothing;
    std::exception_ptr why;
    try {
      auto out = dispatcher_.begin_task({.callable = 0});
      what = source_.draw(out, why);
    } catch (...) {
      dispatcher_.abandon_task();
      throw;
    }
    if (what == drawn::input) {
      try {
        dispatcher_.commit_task(drawn_);
      } catch (protocol_error const&) {  // too large
        what = drawn::failure;
        why = std::current_exception();
      }
    } else {
      dispatcher_.abandon_task();
    }
    if (what == drawn::nothing) {
      exhausted_ = true;
      return;
    }
    std::size_t const index = drawn_++;
    if (what == drawn::failure) on_failure(index, 0, std::move(why));
  }

  /// One outcome for all inputs that will not be drawn: the next one's.
  void stand_for_the_rest(task_cancelled const& why) {
    exhausted_ = true;
    on_failure(drawn_++, 0, std::make_exception_ptr(why));
  }

  pmap_source& source_;
  event_loop loop_;
  std::size_t items_ahead_;
  std::size_t least_drawn_ = 0;
  std::size_t stored_ = 0;
  std::size_t released_ = 0;
  std::size_t bytes_kept_ = 0;
  std::exception_ptr range_error_;  // to be thrown when the results of the inputs before are there
  dispatcher dispatcher_;
};

pmap_engine::pmap_engine(pmap_options const& options, task_entry entry, std::shared_ptr<void> callable,
                         pmap_source& source)
    : state_(std::make_unique<state>(settings_of(options), table_of(entry, std::move(callable)), source)) {}

pmap_engine::~pmap_engine() {
  if (state_->foreign()) (void)state_.release();  // a copy in a forked child: nothing in it may be touched
}

bool pmap_engine::run_until(std::function<bool()> const& condition, std::size_t least_drawn) {
  return state_->run_until(condition, least_drawn);
}
void pmap_engine::released(std::size_t count) noexcept { state_->released(count); }
std::size_t pmap_engine::drawn() const noexcept { return state_->drawn_; }
bool pmap_engine::exhausted() const noexcept { return state_->exhausted_; }
std::size_t pmap_engine::busy_workers() const { return state_->busy_workers(); }

}  // namespace procx::inline v1::detail
