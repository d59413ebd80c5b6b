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
        plain_bytes_(source.plain_bytes() <= settings.frame_limit ? source.plain_bytes() : 0),
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
  void on_progress() override { progress_ = true; }
  void on_broken(std::exception_ptr why) noexcept override { broken_ = std::move(why); }

  bool foreign() const noexcept { return loop_.foreign(); }

  bool run_until(std::function<bool()> const& condition, std::size_t least_drawn) {
    if (foreign()) throw error(errc::foreign_process, "the workers belong to another process, which this is a fork of");
    least_drawn_ = std::max(least_drawn_, least_drawn);
    if (condition()) return true;
    if (busy_) throw sequence_error("the range, a result type or the log of a map cannot wait for a result of that map");
    busy_ = true;
    struct not_busy {
      bool& busy;
      ~not_busy() { busy = false; }
    } const at_end{busy_};
    progress_ = true;
    auto const no_more = [this] { return exhausted_ || stop_level() > 0; };
    auto const is_over = [&] { return broken_ || ((no_more() || range_error_) && dispatcher_.idle()); };
    bool const met = loop_.run_until([&] {
      if (!broken_) dispatcher_.guarded([&] { go_on(); });
      return condition() || is_over();
    }) && condition();
    if (broken_) dispatcher_.stop();
    if (broken_ && !met) std::rethrow_exception(broken_);
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

  /// After each handler: the range runs the user's code, and nothing else is under way here.
  void go_on() {
    if (!std::exchange(progress_, false)) return;
    draw();
    dispatcher_.pump();
  }

  void draw() {
    if (stop_level() > 0 || range_error_) [[unlikely]] return;
    try {
      for (auto room = dispatcher_.room(); room > 0 && !exhausted_ && dispatcher_.wants_more();) {
        std::size_t const most = std::min(room, may_draw());
        if (most == 0) break;
        room -= plain_bytes_ ? draw_plain(most) : draw_one();
      }
    } catch (...) {
      range_error_ = std::current_exception();
    }
    dispatcher_.expect_remaining(exhausted_ ? 0 : source_.inputs_left());
  }

  std::size_t drawn_ = 0;
  bool exhausted_ = false;
  std::size_t busy_workers() const { return dispatcher_.busy_pids().size(); }

 private:
  /// How many inputs.
  std::size_t may_draw() const noexcept {
    if (drawn_ < least_drawn_) return least_drawn_ - drawn_;
    std::size_t const ahead = drawn_ - released_, kept = stored_ - released_;
    return ahead < items_ahead_ && (bytes_kept_ < bytes_ahead || kept == 0) ? items_ahead_ - ahead : 0;
  }

  /// Up to `most`, as many as have room in one piece; how many.
  std::size_t draw_plain(std::size_t most) {
    using drawn = pmap_source::drawn;
    auto const tasks = dispatcher_.begin_tasks(arguments_length_size + plain_bytes_, most);
    std::size_t count = 0;
    drawn what = drawn::nothing;
    std::exception_ptr why;
    try {
      what = source_.draw_plain(tasks.at, tasks.count, count, why);
    } catch (...) {
      commit_plain(count);
      throw;
    }
    commit_plain(count);
    if (what == drawn::nothing) exhausted_ = true;
    if (what != drawn::failure) return count;
    on_failure(drawn_++, 0, std::move(why));
    return count + 1;
  }
  void commit_plain(std::size_t count) {
    dispatcher_.commit_tasks(drawn_, count, {.callable = 0});
    drawn_ += count;
  }

  /// How many it was: one, or none at the end.
  std::size_t draw_one() {
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
      return 0;
    }
    std::size_t const index = drawn_++;
    if (what == drawn::failure) on_failure(index, 0, std::move(why));
    return 1;
  }

  /// One outcome for all inputs that will not be drawn: the next one's.
  void stand_for_the_rest(task_cancelled const& why) {
    exhausted_ = true;
    on_failure(drawn_++, 0, std::make_exception_ptr(why));
  }

  pmap_source& source_;
  event_loop loop_;
  std::size_t plain_bytes_;  // of each input's arguments; 0: they need an archive
  std::size_t items_ahead_;
  std::size_t least_drawn_ = 0;
  std::size_t stored_ = 0;
  std::size_t released_ = 0;
  std::size_t bytes_kept_ = 0;
  std::exception_ptr broken_;  // the dispatcher, and what is not over has no other outcome
  bool progress_ = false;  // there is something to do between handlers
  bool busy_ = false;      // somebody waits here for a result
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
