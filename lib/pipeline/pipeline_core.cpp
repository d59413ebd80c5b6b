#include <procx/detail/pipeline/pipeline_core.hpp>

#include "pipeline/explanation.hpp"
#include "pipeline/pipeline_state.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/error/outcome.hpp>
#include <procx/system/stop_on_signals.hpp>

#include <boost/core/demangle.hpp>

#include <utility>

namespace procx::inline v1 {

std::string pipeline_failure::what() const { return message_of(error); }

namespace detail {
namespace {

std::vector<std::unique_ptr<segment>> segments_of(std::vector<stage_entry> stages) {
  name_stages(stages);
  for (stage_entry const& s : stages)
    if (s.options.key && !s.options.key.fits(s.stage->input()))
      throw sequence_error("the key of \"" + s.options.name + "\" is not of its items, which are " +
                           boost::core::demangle(s.stage->input().name()));
  std::vector<std::unique_ptr<segment>> all;
  auto first = stages.begin();
  for (std::size_t const count : plan_of({stages.begin(), stages.end()})) {
    auto const end = first + static_cast<std::ptrdiff_t>(count);
    item_key next = end == stages.end() ? item_key() : key_of(*end);
    all.push_back(std::make_unique<segment>(all.size(), std::vector(first, end), std::move(next)));
    first = end;
  }
  return all;
}

}  // namespace

pipeline_core::pipeline_core(std::string name, pipeline_options const& options, std::vector<stage_entry> stages,
                             std::uint64_t input, std::optional<boost::asio::any_io_executor> executor,
                             item_sink* sink) {
  bool const has_results = stages.back().stage->yield() != stage_yield::none;
  state_ = std::make_shared<state>(std::move(name), options, segments_of(std::move(stages)), input, sink, has_results,
                                   executor);
  state_->begin();
  fast_intake_ = &state_->fast_intake();
  key_ = state_->key();
}

pipeline_core::~pipeline_core() {
  if (!state_->foreign()) state_->leave_registry();
  front::leave(std::move(state_));
}

std::string pipeline_core::explain_plan(std::string const& name, std::vector<stage_outline> stages) {
  name_stages(stages);
  std::vector<segment_outline> segments;
  auto first = stages.begin();
  for (std::size_t const count : plan_of(stages)) {
    auto const end = first + static_cast<std::ptrdiff_t>(count);
    segments.push_back(outline_of(std::vector(first, end)));
    first = end;
  }
  return explanation_of(name, segments);
}

bool pipeline_core::runs_once() const noexcept { return state_->runs_once(); }
void pipeline_core::feed(intake_item const& item) { state_->put(item); }
std::uint64_t pipeline_core::feed_now(intake_item const& item) { return state_->put_now(item); }
bool pipeline_core::stops_feeding() const noexcept { return stop_signal() != 0; }
pipeline_summary pipeline_core::join() {
  state_->join(wait_forever);
  return state_->summary();
}
pipeline_summary pipeline_core::drain(std::chrono::steady_clock::time_point until) {
  if (!state_->join(until)) {
    state_->stop();
    state_->join(wait_forever);
  }
  return state_->summary();
}
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
