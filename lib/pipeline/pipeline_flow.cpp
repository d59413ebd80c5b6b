#include "pipeline/pipeline_state.hpp"

#include "system/stop_level.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <algorithm>
#include <utility>

// How items go through a pipeline, on its loop thread.

namespace procx::inline v1::detail {

void pipeline_core::state::on_value(std::uint64_t id, worker_name const&, encoded_value const& value) {
  count_over(1);
  segments_.front()->on_value(id, value);
}

void pipeline_core::state::on_values(std::uint64_t first, worker_name const&, value_series const& values) {
  count_over(values.count);
  segments_.front()->on_values(first, values);
}

void pipeline_core::state::on_failure(std::uint64_t id, worker_name const&, std::exception_ptr error) {
  count_over(1);
  segments_.front()->on_failure(id, std::move(error));
}

void pipeline_core::state::on_progress() {
  if (over_ || ends_now_) return;
  if (stop_level() > 0) [[unlikely]] refuse();
  hold_what_is_too_much();
  feed_allowed();
  if (all_ != not_stopped) tell_what_will_come();
  pump();
  for (auto const& l : later_) l->tasks().pump();
  publish();
  check_over();
}

void pipeline_core::state::pass_on(std::size_t from, std::uint64_t first, value_series const& values) {
  if (from + 1 == segments_.size()) {
    out_ += values.count;
    if (sink_) {
      for (std::size_t i = 0; i < values.count; ++i) {
        give(from, first + i, values.payload(i));
        note(from, first + i, -1);
      }
    } else if (has_results_) {
      results_.add_values(values);
    }
    return;
  }
  std::uint64_t const id = segments_[from + 1]->origins.next();
  for (std::size_t i = 0; i < values.count; ++i) enter(from, first + i);
  later_[from]->add_values(id, values);
}

void pipeline_core::state::pass_on(std::size_t from, std::uint64_t item, std::span<std::byte const> parts,
                                   std::size_t count) {
  births_ += count;
  if (from + 1 == segments_.size()) {
    out_ += count;
    if (sink_) {
      for (std::size_t at = 0; count > 0; --count) {
        std::size_t const size = task_store::size_at(parts.data() + at);
        give(from, item, parts.subspan(at + arguments_length_size, size));
        at += arguments_length_size + size;
      }
    } else if (has_results_) {
      results_.add_parts(parts, count);
    }
    return;
  }
  std::uint64_t const id = segments_[from + 1]->origins.next();
  for (std::size_t i = 0; i < count; ++i) enter(from, item);
  note(from, item, static_cast<std::int64_t>(count));
  later_[from]->add_parts(id, parts, count);
}

void pipeline_core::state::on_item_failed(std::size_t from, std::uint64_t item, std::size_t stage, std::exception_ptr error) {
  ++failed_;
  if (sink_) {
    sink_->on_failed(segments_[from]->origins.of(item), std::move(error));
    return note(from, item, -1);
  }
  {
    std::lock_guard const lock(failures_mutex_);
    failures_.push_back({segments_[from]->name_of(stage), segments_[from]->origins.of(item), error});
  }
  results_.add_error(std::move(error));
}

void pipeline_core::state::on_dropped(std::size_t from, std::uint64_t item) {
  ++dropped_;
  note(from, item, -1);
}

void pipeline_core::state::on_split(std::size_t from, std::uint64_t item) {
  ++splits_;
  note(from, item, -1);
}

void pipeline_core::state::on_one_more(std::size_t from, std::uint64_t item) {
  ++births_;
  note(from, item, 1);
}

void pipeline_core::state::give(std::size_t from, std::uint64_t item, std::span<std::byte const> result) {
  if (has_results_) sink_->on_result(segments_[from]->origins.of(item), result);
}

/// So many more have been made of the fed item that this one comes from, or have come to an end.
void pipeline_core::state::note(std::size_t from, std::uint64_t item, std::int64_t more) {
  if (!sink_) return;
  std::uint64_t const fed = segments_[from]->origins.of(item);
  auto const at = alive_.try_emplace(fed, 1).first;
  if (at->second += more; at->second > 0) return;
  alive_.erase(at);
  sink_->on_over(fed);
}

void pipeline_core::state::on_sent(std::size_t from, std::uint64_t item, std::uint64_t topic,
                                   std::span<std::byte const> bytes) {
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

// From the front.

void pipeline_core::state::refuse() noexcept {
  if (auto const all = intake_.stop(false)) all_ = *all;
}

lane* pipeline_core::state::lane_for(std::byte const* item) { return keyed_ ? &keyed_->of(item) : nullptr; }

std::size_t pipeline_core::state::bytes_elsewhere() const noexcept {
  std::size_t bytes = 0;
  for (auto const& l : later_) bytes += l->tasks().task_bytes();
  return bytes;
}

void pipeline_core::state::end_others(std::function<void()> then) {
  if (context_.is_private()) {
    for (auto const& l : later_) l->tasks().stop();
    return then();
  }
  end_other(0, std::move(then));
}

void pipeline_core::state::end_other(std::size_t k, std::function<void()> then) {
  if (k == later_.size()) return then();
  later_[k]->tasks().stop([this, k, then = std::move(then)] { end_other(k + 1, then); });
}

void pipeline_core::state::on_end(std::exception_ptr why) noexcept {
  if (over_) return;
  if (why) ends_.note_bad_ending(std::move(why));
  tell_over();
}

// Of what is alive.

/// A segment before one that has more than is of use to it waits, and its processes with it once their pipes are full.
void pipeline_core::state::hold_what_is_too_much() {
  for (std::size_t k = 0; k < later_.size(); ++k) hold(k, !later_[k]->wants_more());
}

void pipeline_core::state::hold(std::size_t k, bool too_much) {
  if (k == 0)
    hold_results(too_much);
  else
    later_[k - 1]->tasks().hold_results(too_much);
  auto& since = held_since_[k];
  if (too_much == since.has_value()) return;
  auto const now = std::chrono::steady_clock::now();
  if (since) segments_[k]->blocked = segments_[k]->blocked.load() + (now - *since);
  since = too_much ? std::optional(now) : std::nullopt;
}

/// As long as no segment has more than is of use to it: what is alive between the stages is bounded, in bytes.
void pipeline_core::state::feed_allowed() {
  if (keyed_ && !keyed_->wants_more()) return;
  for (auto const& l : later_)
    if (!l->wants_more()) return;
  if (std::size_t const useful = room()) feed(useful);
}

/// All items are known: a segment that nothing comes to any more need not wait for more.
void pipeline_core::state::tell_what_will_come() {
  if (items_fed() < all_) return;
  expect_no_more();
  for (std::size_t k = 0; k < later_.size(); ++k) {
    std::uint64_t const came = k == 0 ? all_.load() : segments_[k - 1]->out.load();
    if (segments_[k]->over < came) return;
    later_[k]->tasks().all_tasks_are_here();
  }
}

void pipeline_core::state::enter(std::size_t from, std::uint64_t item) {
  segments_[from + 1]->origins.add(segments_[from]->origins.of(item));
}

/// How many of the items that were fed are over, each with all that was made of it, as far as that can be said: the least.
std::uint64_t pipeline_core::state::ended() const noexcept {
  std::uint64_t const over = out_ + dropped_ + failed_ + splits_, more = births_;
  return over > more ? over - more : 0;
}

void pipeline_core::state::publish() {
  std::uint64_t const before = counts_.taken.load(std::memory_order_relaxed), now = ended();
  if (now > before) counts_.taken.store(now);
  note_times();
  publish_room();
  results_.publish();
}

void pipeline_core::state::note_times() {
  segments_.front()->busy = busy_time();
  for (std::size_t k = 0; k < later_.size(); ++k) segments_[k + 1]->busy = later_[k]->tasks().busy_time();
}

void pipeline_core::state::check_over() {
  std::uint64_t const all = all_;
  if (ends_now_ || all == not_stopped || items_fed() < all || ended() < all) return;
  ends_now_ = true;
  on_loop<state>([](state& s) {  // later: the dispatcher, which has called, would go on with what has gone
    s.end_workers([&s] { s.tell_over(); });
  });
}

void pipeline_core::state::tell_over() noexcept {
  leave_registry();
  took_ = std::chrono::steady_clock::now() - began_;
  over_ = true;
  results_.end();
  ends_.tell_threads();
  guarded([this] {
    for (auto const& then : ends_.take_handlers()) ends_.tell(then);
  });
}

}  // namespace procx::inline v1::detail
