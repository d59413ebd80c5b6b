#include <procx/detail/pipeline/pipeline_core.hpp>

#include "pipeline/explanation.hpp"
#include "pipeline/later_segment.hpp"
#include "pipeline/pipeline_registry.hpp"
#include "pipeline/result_store.hpp"
#include "pipeline/segment_plan.hpp"
#include "pool/front.hpp"
#include "system/event_loop.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/error/outcome.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <utility>

namespace procx::inline v1 {

std::string pipeline_failure::what() const { return message_of(error); }

namespace detail {
namespace {

constexpr std::size_t unlimited = ~std::size_t{0} / 2;

}  // namespace

class pipeline_core::state final : public front, public segment_owner, public named_pipeline {
 public:
  state(std::string name, pipeline_options const& options, std::vector<std::unique_ptr<segment>> segments, std::uint64_t input, bool has_results,
        std::optional<boost::asio::any_io_executor> const& executor)
      : front(settings_of_first(options, *segments.front()), executor, table_with(segments.front()->chain())),
        name_(std::move(name)),
        number_(pipeline_registry::number_of(name_)),
        input_(input),
        has_results_(has_results),
        segments_(std::move(segments)),
        results_(options.results_in_memory) {
    for (auto const& s : segments_) s->set_owner(*this);
    for (std::size_t k = 1; k < segments_.size(); ++k)
      later_.push_back(std::make_unique<later_segment>(
          *segments_[k], context_.loop(), [this] { on_progress(); }, [this](std::exception_ptr why) { on_broken(std::move(why)); },
          [this](std::exception_ptr error) { on_bad_ending(std::move(error)); }));
  }

  void begin() {
    if (!name_.empty()) pipeline_registry::add(number_, std::static_pointer_cast<state>(shared_from_this()));
    is_registered_ = !name_.empty();
    for (auto const& l : later_) l->tasks().prepare();
    start();
  }
  void leave_registry() noexcept {
    if (is_registered_.exchange(false)) pipeline_registry::remove(number_);
  }

  // For any thread.

  void put(intake_item const& item) {
    check_may_block("async_feed");
    check_size(item);
    try {
      intake_.put(item, wait_forever);
    } catch (queue_stopped const&) {
      throw sequence_error("a pipeline that was joined or stopped takes no more");
    }
  }
  intake_fast_path& fast_intake() noexcept { return intake_.fast_path(); }
  void check_size(intake_item const& item) const {
    if (item.size() > frame_limit_) throw_too_large("an item", item.size(), frame_limit_);
  }
  std::string const& name() const noexcept override { return name_; }
  void accept(std::uint64_t type, std::span<std::byte const> item) override {
    if (type != input_) throw protocol_error("the pipeline \"" + name_ + "\" takes items of another type");
    encoded_item const encoded(head(), false, [&](output_archive& out) { out.save_binary(item.data(), item.size()); });
    try {
      encoded.use([&](intake_item const& i) { intake_.put_anyway(i); });
    } catch (queue_stopped const&) {
      throw sequence_error("the pipeline \"" + name_ + "\" has been joined, and takes no more");
    }
  }

  std::uint64_t async_put(intake_item const& item, std::unique_ptr<operation>&& op) {
    context_.check_ours();
    check_size(item);
    return intake_.async_put(item, std::move(op));
  }
  void cancel_put(std::uint64_t number) { intake_.cancel(number); }
  void when_over(ending_handler then) {
    if (foreign()) return static_cast<void>(then(nullptr));  // a copy has no items, nor workers
    refuse();
    if (!ends_.keep_unless([this] { return over_.load(); }, then)) ends_.tell(then);
    on_loop<state>([](state& s) { s.on_progress(); });
  }
  void check_may_block(char const* instead) const {
    context_.check_ours();
    if (!context_.is_private())
      throw sequence_error("a pipeline on your executor cannot block: use " + std::string(instead));
    context_.check_may_wait();
  }
  pipeline_summary join() {
    check_may_block("async_join");
    refuse();
    on_loop<state>([](state& s) { s.on_progress(); });
    ends_.wait([this] { return over_.load(); }, wait_forever);
    if (auto const error = ends_.take_bad_ending()) std::rethrow_exception(error);
    return summary();
  }
  void stop() noexcept {
    if (foreign()) return;
    refuse();
    context_.post([weak = weak_from_this()] {
      if (auto const self = std::static_pointer_cast<state>(weak.lock())) self->end();
    });
  }
  pipeline_summary summary() const {
    return {.in = intake_.admitted(), .added = births_ - splits_, .out = out_, .dropped = dropped_, .failed = failed_};
  }
  std::vector<pipeline_failure> failures() const {
    std::lock_guard const lock(failures_mutex_);
    return failures_;
  }
  std::vector<std::size_t> queue_lengths() const {
    std::vector<std::size_t> lengths;
    std::uint64_t came = intake_.admitted();
    for (auto const& s : segments_) {
      std::uint64_t const out = s->out, gone = s->over;
      lengths.push_back(static_cast<std::size_t>(came - std::min(came, gone)));
      came = out;
    }
    lengths.push_back(results_.size());
    return lengths;
  }
  std::string explain() const { return explanation_of(name_, segments_, intake_.admitted(), queue_lengths()); }
  result_store& results() noexcept { return results_; }

  // From the dispatcher of the first segment.

  void on_value(std::uint64_t id, worker_name const&, encoded_value const& value) override {
    count_over(1);
    segments_.front()->on_value(id, value);
  }
  void on_values(std::uint64_t first, worker_name const&, value_series const& values) override {
    count_over(values.count);
    segments_.front()->on_values(first, values);
  }
  void on_failure(std::uint64_t id, worker_name const&, std::exception_ptr error) override {
    count_over(1);
    segments_.front()->on_failure(id, std::move(error));
  }
  void on_parts(std::uint64_t id, std::span<std::byte const> parts) override { segments_.front()->on_parts(id, parts); }
  void on_retry(std::uint64_t id) override { segments_.front()->on_retry(id); }
  void on_message(std::uint64_t id, std::uint64_t topic, std::span<std::byte const> bytes) override {
    segments_.front()->on_message(id, topic, bytes);
  }
  void on_progress() override {
    if (over_ || ends_now_) return;
    hold_what_is_too_much();
    feed_allowed();
    pump();
    for (auto const& l : later_) l->tasks().pump();
    publish();
    check_over();
  }

  // From segments.

  void pass_on(std::size_t from, std::uint64_t first, value_series const& values) override {
    if (from + 1 == segments_.size()) {
      if (has_results_) results_.add_values(values);
      out_ += values.count;
      return;
    }
    std::uint64_t const id = segments_[from + 1]->origins.next();
    for (std::size_t i = 0; i < values.count; ++i) enter(from, first + i);
    later_[from]->items().add_values(id, values, head());
  }
  void pass_on(std::size_t from, std::uint64_t item, std::span<std::byte const> parts, std::size_t count) override {
    births_ += count;
    if (from + 1 == segments_.size()) {
      if (has_results_) results_.add_parts(parts, count);
      out_ += count;
      return;
    }
    std::uint64_t const id = segments_[from + 1]->origins.next();
    for (std::size_t i = 0; i < count; ++i) enter(from, item);
    later_[from]->items().add_parts(id, parts, count, head());
  }
  void on_item_failed(std::size_t from, std::uint64_t item, std::size_t stage, std::exception_ptr error) override {
    ++failed_;
    {
      std::lock_guard const lock(failures_mutex_);
      failures_.push_back({segments_[from]->name_of(stage), segments_[from]->origins.of(item), error});
    }
    results_.add_error(std::move(error));
  }
  void on_dropped() override { ++dropped_; }
  void on_split() override { ++splits_; }
  void on_one_more() override { ++births_; }
  void on_sent(std::size_t from, std::uint64_t item, std::uint64_t topic, std::span<std::byte const> bytes) override {
    try {
      input_archive message(bytes);
      std::uint64_t type = 0;
      message >> type;
      auto const to = pipeline_registry::find(topic);
      if (!to) throw connection_error("no pipeline of this name runs here", errc::unknown_pipeline);
      pipeline_registry::note_sends(number_, topic);
      to->accept(type, bytes.last(message.left()));
    } catch (...) {
      segments_[from]->spoil(item, std::current_exception());
    }
  }

 private:
  static front::settings settings_of_first(pipeline_options const& o, segment const& s) {
    return {.work = s.settings(), .limits = {o.max_size ? o.max_size : unlimited, unlimited},
            .operations = intake::operations::end_with_admission};
  }

  // From the front.

  void refuse() noexcept override {
    if (auto const all = intake_.stop(false)) all_ = *all;
  }
  void on_batch(intake_batch& batch) override {
    for (auto const& run : batch.runs)
      for (std::uint32_t i = 0; i < run.count; ++i) segments_.front()->origins.add(run.first + i);
  }
  void end_others(std::function<void()> then) override {
    if (context_.is_private()) {
      for (auto const& l : later_) l->tasks().stop();
      return then();
    }
    end_other(0, std::move(then));
  }
  void end_other(std::size_t k, std::function<void()> then) {
    if (k == later_.size()) return then();
    later_[k]->tasks().stop([this, k, then = std::move(then)] { end_other(k + 1, then); });
  }
  void on_end(std::exception_ptr why) noexcept override {
    if (over_) return;
    if (why) ends_.note_bad_ending(std::move(why));
    tell_over();
  }

  // On the loop thread.

  /// A segment before one that has more than is of use to it waits, and its processes with it once their pipes are full.
  void hold_what_is_too_much() {
    for (std::size_t k = 0; k < later_.size(); ++k) {
      bool const too_much = !later_[k]->items().wants_more();
      if (k == 0)
        hold_results(too_much);
      else
        later_[k - 1]->tasks().hold_results(too_much);
    }
  }
  /// As long as no segment has more than is of use to it: what is alive between the stages is bounded, in bytes.
  void feed_allowed() {
    for (auto const& l : later_)
      if (!l->items().wants_more()) return;
    if (std::size_t const useful = room()) feed(useful);
  }
  void enter(std::size_t from, std::uint64_t item) {
    segments_[from + 1]->origins.add(segments_[from]->origins.of(item));
  }
  /// How many of the items that were fed are over, each with all that was made of it, as far as that can be said: the least.
  std::uint64_t ended() const noexcept {
    std::uint64_t const over = out_ + dropped_ + failed_ + splits_, more = births_;
    return over > more ? over - more : 0;
  }
  void publish() {
    std::uint64_t const before = counts_.taken.load(std::memory_order_relaxed), now = ended();
    if (now > before) counts_.taken.store(now);
    publish_room();
    results_.publish();
  }
  void check_over() {
    std::uint64_t const all = all_;
    if (ends_now_ || all == not_stopped || items_fed() < all || ended() < all) return;
    ends_now_ = true;
    on_loop<state>([](state& s) {  // later: the dispatcher, which has called, would go on with what has gone
      s.end_workers([&s] { s.tell_over(); });
    });
  }
  void tell_over() noexcept {
    leave_registry();
    over_ = true;
    results_.end();
    ends_.tell_threads();
    guarded([this] {
      for (auto const& then : ends_.take_handlers()) ends_.tell(then);
    });
  }

  static constexpr std::uint64_t not_stopped = ~std::uint64_t{0};

  std::string const name_;
  std::uint64_t const number_;
  std::uint64_t const input_;
  bool const has_results_;
  std::vector<std::unique_ptr<segment>> segments_;
  std::vector<std::unique_ptr<later_segment>> later_;  // those behind the first
  result_store results_;
  std::atomic<bool> is_registered_ = false;
  std::atomic<std::uint64_t> all_ = not_stopped;
  std::atomic<bool> over_ = false;
  bool ends_now_ = false;
  // Items: written by the loop thread.
  std::atomic<std::uint64_t> births_ = 0, splits_ = 0, out_ = 0, dropped_ = 0, failed_ = 0;
  mutable std::mutex failures_mutex_;  // guards what follows
  std::vector<pipeline_failure> failures_;
};

pipeline_core::pipeline_core(std::string name, pipeline_options const& options, std::vector<stage_entry> stages,
                             std::uint64_t input, std::optional<boost::asio::any_io_executor> executor) {
  std::size_t place = 0;
  for (stage_entry& s : stages) {
    ++place;
    if (s.options.name.empty()) s.options.name = s.kind + (' ' + std::to_string(place));
  }
  bool const has_results = stages.back().stage->yield() != stage_yield::none;
  state_ = std::make_shared<state>(std::move(name), options, segments_of(std::move(stages)), input, has_results, executor);
  state_->begin();
  fast_intake_ = &state_->fast_intake();
}

pipeline_core::~pipeline_core() {
  if (!state_->foreign()) state_->leave_registry();
  front::leave(std::move(state_));
}

bool pipeline_core::runs_once() const noexcept { return state_->runs_once(); }
void pipeline_core::feed(intake_item const& item) { state_->put(item); }
pipeline_summary pipeline_core::join() { return state_->join(); }
void pipeline_core::stop() noexcept { state_->stop(); }
pipeline_summary pipeline_core::summary() const { return state_->summary(); }
std::vector<pipeline_failure> pipeline_core::failures() const { return state_->failures(); }
std::vector<std::size_t> pipeline_core::queue_lengths() const { return state_->queue_lengths(); }
std::string pipeline_core::explain() const { return state_->explain(); }
bool pipeline_core::take(result_block& into) {
  state_->check_may_block("async_next");
  return state_->results().take(into);
}
std::uint64_t pipeline_core::async_feed(intake_item const& item, std::unique_ptr<operation>&& op) {
  return state_->async_put(item, std::move(op));
}
void pipeline_core::when_over(ending_handler then) { state_->when_over(std::move(then)); }
std::uint64_t pipeline_core::async_take(std::unique_ptr<result_taker>&& taker) {
  return state_->results().async_take(std::move(taker));
}
void pipeline_core::cancel_feed(std::weak_ptr<void> const& pipeline, std::uint64_t number) {
  if (auto const core = std::static_pointer_cast<state>(pipeline.lock())) core->cancel_put(number);
}
void pipeline_core::cancel_take(std::weak_ptr<void> const& pipeline, std::uint64_t number) {
  if (auto const core = std::static_pointer_cast<state>(pipeline.lock())) core->results().cancel(number);
}
std::weak_ptr<void> pipeline_core::weak() const noexcept { return state_; }
handler_home& pipeline_core::home() const noexcept { return state_->home(); }
void pipeline_core::give_back(result_block block) { state_->results().give_back(std::move(block)); }

}  // namespace detail
}  // namespace procx::inline v1
