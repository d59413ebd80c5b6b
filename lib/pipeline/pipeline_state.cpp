#include "pipeline/pipeline_state.hpp"

#include "pipeline/explanation.hpp"
#include "system/stop_level.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <utility>

// What threads ask of a pipeline.

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t unlimited = ~std::size_t{0} / 2;

front::settings settings_of_first(pipeline_options const& o, segment const& s) {
  return {.work = s.settings(o.drain),
          .limits = {o.max_size ? o.max_size : unlimited, o.max_bytes ? o.max_bytes : unlimited},
          .operations = intake::operations::end_with_admission};
}

}  // namespace

pipeline_core::state::state(std::string name, pipeline_options const& options, std::vector<std::unique_ptr<segment>> segments,
                            std::uint64_t input, item_sink* sink, bool has_results,
                            std::optional<boost::asio::any_io_executor> const& executor)
    : front(settings_of_first(options, *segments.front()), executor, table_with(segments.front()->chain())),
      name_(std::move(name)),
      number_(pipeline_registry::number_of(name_)),
      input_(input),
      sink_(sink),
      has_results_(has_results),
      segments_(std::move(segments)),
      held_since_(segments_.size()),
      results_(options.results_in_memory) {
  for (auto const& s : segments_) s->set_owner(*this);
  if (segments_.front()->is_keyed())
    keyed_.emplace(segments_.front()->outline().workers, [this] { return open_lane(lane::order::serial); });
  for (std::size_t k = 1; k < segments_.size(); ++k)
    later_.push_back(std::make_unique<later_segment>(
        *segments_[k], context_.loop(), options.drain, [this] { on_progress(); },
        [this](std::exception_ptr why) { on_broken(std::move(why)); },
        [this](std::exception_ptr error) { on_bad_ending(std::move(error)); }));
}

void pipeline_core::state::begin() {
  if (!name_.empty()) pipeline_registry::add(number_, std::static_pointer_cast<state>(shared_from_this()));
  is_registered_ = !name_.empty();
  for (auto const& l : later_) l->tasks().prepare();
  began_ = std::chrono::steady_clock::now();
  start();
}

void pipeline_core::state::leave_registry() noexcept {
  if (is_registered_.exchange(false)) pipeline_registry::remove(number_);
}

void pipeline_core::state::put(intake_item const& item) {
  check_may_block("async_feed");
  check_size(item);
  try {
    intake_.put(item, wait_forever);
  } catch (queue_stopped const&) {
    if (stop_level() > 0) throw stopped();
    throw sequence_error("a pipeline that was joined or stopped takes no more");
  }
}

std::uint64_t pipeline_core::state::put_now(intake_item const& item) {
  check_size(item);
  try {
    return intake_.put_anyway(item);
  } catch (queue_stopped const&) {
    throw sequence_error("a pipeline that was joined or stopped takes no more");
  }
}

void pipeline_core::state::check_size(intake_item const& item) const {
  if (item.size() > frame_limit_) throw_too_large("an item", item.size(), frame_limit_);
}

std::uint64_t pipeline_core::state::async_put(intake_item const& item, std::unique_ptr<operation>&& op) {
  context_.check_ours();
  check_size(item);
  return intake_.async_put(item, std::move(op));
}

stage_key const* pipeline_core::state::key() const noexcept {
  item_key const& in = segments_.front()->chain()->in();
  return in ? &in.key : nullptr;
}

void pipeline_core::state::accept(std::uint64_t type, std::span<std::byte const> item) {
  if (type != input_) throw protocol_error("the pipeline \"" + name_ + "\" takes items of another type");
  encoded_item const encoded(head(), false, [&](output_archive& out) {
    if (keyed_) {
      std::uint64_t const key = segments_.front()->chain()->key_of(item);
      out.save_binary(&key, key_size);
    }
    out.save_binary(item.data(), item.size());
  });
  try {
    encoded.use([&](intake_item const& i) { intake_.put_anyway(i); });
  } catch (queue_stopped const&) {
    throw sequence_error("the pipeline \"" + name_ + "\" has been joined, and takes no more");
  }
}

void pipeline_core::state::check_may_block(char const* instead) const {
  context_.check_ours();
  if (!context_.is_private())
    throw sequence_error("a pipeline on your executor cannot block: use " + std::string(instead));
  context_.check_may_wait();
}

bool pipeline_core::state::join(wait_deadline until) {
  check_may_block("async_join");
  refuse();
  on_loop<state>([](state& s) { s.on_progress(); });
  bool const is_over = ends_.wait([this] { return over_.load(); }, until);
  if (is_over)
    if (auto const error = ends_.take_bad_ending()) std::rethrow_exception(error);
  return is_over;
}

void pipeline_core::state::when_over(ending_handler then) {
  if (foreign()) return static_cast<void>(then(nullptr));  // a copy has no items, nor workers
  refuse();
  if (!ends_.keep_unless([this] { return over_.load(); }, then)) ends_.tell(then);
  on_loop<state>([](state& s) { s.on_progress(); });
}

void pipeline_core::state::stop() noexcept {
  if (foreign()) return;
  refuse();
  context_.post([weak = weak_from_this()] {
    if (auto const self = std::static_pointer_cast<state>(weak.lock())) self->end();
  });
}

pipeline_summary pipeline_core::state::summary() const {
  bool const is_over = over_;  // first: nothing changes behind it
  pipeline_summary s{.in = intake_.admitted(), .added = births_ - splits_, .out = out_, .dropped = dropped_, .failed = failed_};
  std::uint64_t const all = s.in + s.added, ended = s.out + s.dropped + s.failed;
  if (is_over && all > ended) s.lost = all - ended;
  return s;
}

std::vector<pipeline_failure> pipeline_core::state::failures() const {
  std::lock_guard const lock(failures_mutex_);
  return failures_;
}

std::vector<std::size_t> pipeline_core::state::queue_lengths() const {
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

std::string pipeline_core::state::explain() const {
  std::chrono::nanoseconds const took = took_;
  bool const is_over = took.count() > 0;
  auto const elapsed = is_over ? took : std::chrono::nanoseconds(std::chrono::steady_clock::now() - began_);
  auto const lengths = queue_lengths();
  std::uint64_t came = intake_.admitted();
  std::vector<segment_account> accounts;
  for (std::size_t k = 0; k < segments_.size(); ++k) {
    segment const& s = *segments_[k];
    segment_account a{.outline = s.outline(), .in = came, .out = s.out, .dropped = s.dropped, .failed = s.failed,
                      .under_way = is_over ? 0 : lengths[k]};
    double const all = static_cast<double>(elapsed.count()) * static_cast<double>(a.outline.workers);
    a.busy = std::min(1.0, static_cast<double>(s.busy.load().count()) / all);
    double const held = static_cast<double>(s.blocked.load().count()) / static_cast<double>(elapsed.count());
    a.blocked = std::min(held, 1 - a.busy);
    std::uint64_t sampled = 0;
    for (auto const& ns : s.stage_ns) sampled += ns;
    if (sampled > 0)
      for (std::size_t i = 0; i < s.stage_ns.size(); ++i)
        a.shares.emplace_back(s.name_of(i), static_cast<double>(s.stage_ns[i]) / static_cast<double>(sampled));
    came = a.out;
    accounts.push_back(std::move(a));
  }
  return explanation_of(name_, accounts, elapsed, is_over);
}

}  // namespace procx::inline v1::detail
