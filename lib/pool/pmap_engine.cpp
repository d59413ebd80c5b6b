#include <procx/detail/pool/pmap_engine.hpp>

#include "dispatch/lane.hpp"
#include "pool/result_allowance.hpp"
#include "local/runner_settings.hpp"
#include "system/stop_level.hpp"
#include "system/event_loop.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace procx::inline v1::detail {
namespace {

// How far drawing runs ahead of consuming: in items, for each worker as many as its largest window; in bytes of results, those
// that nobody has taken yet and those that are to come. But each worker has a task, and the next one, however large.
constexpr std::size_t items_ahead = 4096;
constexpr std::size_t bytes_ahead = std::size_t{64} << 20;
constexpr std::size_t tasks_always = 2;

// A range whose inputs are computed is drawn from ahead when so many in a row have come at once: each took less than so many
// looks at the clock, which no system call does. Until drawing takes more than this, and more for each byte than any encoding.
constexpr unsigned enough_quick = 4;
constexpr int quick_at_most = 4;
constexpr std::chrono::nanoseconds slow = std::chrono::milliseconds(1);
constexpr std::chrono::nanoseconds byte_at_most{10};

class set_for_now {
 public:
  set_for_now(bool& what, bool value) noexcept : what_(what), before_(std::exchange(what, value)) {}
  set_for_now(set_for_now const&) = delete;
  ~set_for_now() { what_ = before_; }

 private:
  bool& what_;
  bool const before_;
};

}  // namespace

class pmap_engine::state final : public task_sink {
 public:
  state(runner_settings const& settings, std::shared_ptr<callable_table> const& callables, pmap_source& source)
      : source_(source),
        plain_bytes_(source.plain_bytes() <= settings.dispatch.frame_limit ? source.plain_bytes() : 0),
        supply_(source.inputs_come()),
        window_(settings.dispatch.policy.window),
        items_ahead_(items_ahead * settings.dispatch.workers),
        allowance_(tasks_always * settings.dispatch.workers),
        dispatcher_(loop_, settings.dispatch, callables, settings.source(loop_, callables)) {
    dispatcher_.prepare();
  }

  void on_value(std::uint64_t id, worker_name const&, encoded_value const& value) override {
    count_stored(1, value.size());
    source_.store_value(id, value);
  }
  void on_values(std::uint64_t first, worker_name const&, value_series const& values) override {
    count_stored(values.count, values.count * values.length);
    source_.store_values(first, values);
  }
  void on_failure(std::uint64_t id, worker_name const&, std::exception_ptr error) override {
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
    if (fetching_) return wait_from_within(condition);
    if (waiting_) throw sequence_error("a result type, a log, or a range that is drawn from ahead, waits for a result of its map");
    set_for_now const waits(waiting_, true);
    progress_ = true;
    auto const no_more = [this] { return exhausted_ || stop_level() > 0; };
    auto const is_over = [&] { return broken_ || ((no_more() || range_error_) && dispatcher_.idle()); };
    bool const met = loop_.run_until([&] {
      if (!broken_) dispatcher_.guarded([&] { go_on(condition); });
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

  std::size_t drawn_ = 0;
  bool exhausted_ = false;
  std::size_t busy_workers() const { return dispatcher_.busy_workers().size(); }

 private:
  using drawn = pmap_source::drawn;
  using clock = std::chrono::steady_clock;

  void count_stored(std::size_t results, std::size_t bytes) noexcept {
    stored_ += results;
    bytes_kept_ += bytes;
    allowance_.count(results, bytes);
  }

  /// After each handler, when nothing else is under way here: the range runs the user's code.
  void go_on(std::function<bool()> const& condition) {
    if (!std::exchange(progress_, false)) return;
    allowance_.measure();
    if (draws_ahead() || !condition()) draw(condition);
    dispatcher_.pump();
  }

  /// The range itself waits for a result.
  bool wait_from_within(std::function<bool()> const& condition) {
    set_for_now const takes_results(fetching_, false);
    loop_.run_until([&] {
      if (!broken_ && std::exchange(progress_, false)) dispatcher_.guarded([&] { dispatcher_.pump(); });
      return condition() || broken_ || dispatcher_.idle();
    });
    progress_ = true;
    if (broken_ && !condition()) std::rethrow_exception(broken_);
    if (!condition()) throw sequence_error("a range waits for the result of an input that it has not given");
    return true;
  }

  /// Whether inputs are drawn before there is a worker for them.
  bool draws_ahead() const noexcept {
    return supply_ == supply::at_hand || (supply_ == supply::computed && quick_ >= enough_quick && window_ != 1);
  }

  void draw(std::function<bool()> const& condition) {
    if (stop_level() > 0 || range_error_) [[unlikely]] return;
    try {
      if (!draws_ahead()) draw_for_the_idle(condition);
      if (draws_ahead()) draw_ahead();
    } catch (...) {
      range_error_ = std::current_exception();
    }
    lane_.expect_remaining(exhausted_ ? 0 : source_.inputs_left());
  }

  void draw_ahead() {
    auto const began = supply_ == supply::computed ? clock::now() : clock::time_point();
    std::size_t const bytes = dispatcher_.task_bytes();
    for (std::size_t room = std::min(lane_.room(), may_draw()); room > 0 && !exhausted_ && lane_.wants_more();)
      room -= plain_bytes_ ? draw_plain(room) : draw_one();
    if (supply_ != supply::computed) return;
    auto const least = std::max<clock::duration>(slow, byte_at_most * (dispatcher_.task_bytes() - bytes));
    if (clock::now() - began > least) quick_ = 0;
  }

  /// One by one: what is there is sent off before the range is asked for more, which may take its time, and what has come
  /// meanwhile is taken.
  void draw_for_the_idle(std::function<bool()> const& condition) {
    while (!exhausted_ && !draws_ahead() && may_draw() > 0 && lane_.wants_one()) {
      auto const before = clock::now(), began = clock::now();
      drawn const what = fetch();
      auto const ended = clock::now();
      quick_ = ended - began < quick_at_most * (began - before) ? quick_ + 1 : 0;
      add(what);
      dispatcher_.pump();
      loop_.poll();
      if (condition()) return;
    }
  }

  /// How many inputs.
  std::size_t may_draw() const noexcept {
    std::size_t const demanded = least_drawn_ - std::min(least_drawn_, drawn_);
    std::size_t const ahead = drawn_ - released_;
    if (ahead >= items_ahead_) return demanded;
    std::size_t const kept = stored_ == released_ ? 0 : bytes_kept_;
    std::size_t const allowed = allowance_.more(kept, drawn_ - stored_, bytes_ahead);
    return std::max(demanded, std::min(items_ahead_ - ahead, allowed));
  }

  /// Up to `most`, as many as have room in one piece; how many.
  std::size_t draw_plain(std::size_t most) {
    auto const tasks = lane_.begin_tasks(arguments_length_size + plain_bytes_, most);
    std::size_t count = 0;
    drawn what = drawn::nothing;
    try {
      what = source_.draw_plain(tasks.at, tasks.count, count, why_);
    } catch (...) {
      commit_plain(count);
      throw;
    }
    commit_plain(count);
    if (what == drawn::nothing) exhausted_ = true;
    if (what != drawn::failure) return count;
    on_failure(drawn_++, {}, std::exchange(why_, nullptr));
    return count + 1;
  }
  void commit_plain(std::size_t count) {
    lane_.commit_tasks(drawn_, count, {.callable = 0});
    drawn_ += count;
  }

  /// How many it was: one, or none at the end.
  std::size_t draw_one() {
    drawn const what = fetch();
    add(what);
    return what != drawn::nothing;
  }
  /// The range may wait for a result meanwhile.
  drawn fetch() {
    set_for_now const fetches(fetching_, true);
    return source_.fetch(why_);
  }

  /// What was fetched becomes a task, or an outcome.
  void add(drawn what) {
    if (what == drawn::nothing) {
      exhausted_ = true;
      return;
    }
    if (what == drawn::input && !add_fetched()) what = drawn::failure;
    std::size_t const index = drawn_++;
    if (what == drawn::failure) on_failure(index, {}, std::exchange(why_, nullptr));
  }
  bool add_fetched() {
    try {
      auto out = lane_.begin_task({.callable = 0});
      try {
        source_.write_fetched(out);
      } catch (...) {
        lane_.abandon_task();
        throw;
      }
      lane_.commit_task(drawn_);
      return true;
    } catch (...) {  // its `serialize` throws, or it is too large
      why_ = std::current_exception();
      return false;
    }
  }

  /// One outcome for all inputs that will not be drawn: the next one's.
  void stand_for_the_rest(task_cancelled const& why) {
    exhausted_ = true;
    on_failure(drawn_++, {}, std::make_exception_ptr(why));
  }

  pmap_source& source_;
  event_loop loop_;
  std::size_t plain_bytes_;  // of each input's arguments; 0: they need an archive
  supply supply_;
  std::size_t window_;
  std::size_t items_ahead_;
  result_allowance allowance_;
  std::size_t least_drawn_ = 0;
  std::size_t stored_ = 0;
  std::size_t released_ = 0;
  std::size_t bytes_kept_ = 0;
  std::exception_ptr broken_;  // the dispatcher, and what is not over has no other outcome
  bool progress_ = false;  // there is something to do between handlers
  bool waiting_ = false;   // somebody waits here for a result
  bool fetching_ = false;  // the range is asked for an input, and may wait for a result too
  std::exception_ptr why_;  // the input that was drawn last is a failure
  unsigned quick_ = 0;      // so many inputs in a row came at once
  std::exception_ptr range_error_;  // to be thrown when the results of the inputs before are there
  dispatcher dispatcher_;
  lane lane_{dispatcher_, *this};
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
