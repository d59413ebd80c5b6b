#include "pipeline/segment.hpp"

#include "daemon/daemon_workers.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace procx::inline v1::detail {
namespace {

std::shared_ptr<stage_chain> chain_of(std::vector<stage_entry> const& stages, item_key next) {
  std::vector<std::shared_ptr<stage_base>> all;
  for (stage_entry const& s : stages) all.push_back(s.stage);
  return std::make_shared<stage_chain>(std::move(all), key_of(stages.front()), std::move(next));
}

constexpr std::uint32_t calls_at_once = 256;  // of a daemon

/// Takes the results of a call as a chain would give them that has run.
class answered final : public stage_output {
 public:
  answered(stage_chain& chain, buffer& value, buffer& parts) : chain_(chain), value_(value), parts_(parts) {}

  void give(void* result) override {
    if (chain_.yield() != stage_yield::many) {
      output_archive to(value_, nullptr);
      if (chain_.yield() == stage_yield::maybe) to << true;
      return chain_.save(result, to);
    }
    buffer part;
    output_archive to(part, nullptr);
    chain_.save(result, to);
    std::uint64_t const length = part.size();
    parts_.append(&length, sizeof length);
    parts_.append(part.data(), part.size());
  }
  void end() {
    if (chain_.yield() == stage_yield::maybe && value_.empty()) output_archive(value_, nullptr) << false;
  }

 private:
  stage_chain& chain_;
  buffer& value_;
  buffer& parts_;
};

auto workers_at(remote_stage remote, std::shared_ptr<stage_chain> const& chain) {
  return [remote = std::move(remote), chain](worker_events& events, event_loop& loop) -> std::unique_ptr<worker_source> {
    daemon_calls how{remote.address, remote.options, remote.name, remote.fingerprint, nullptr, nullptr};
    how.to_call = [chain, to_call = remote.to_call](std::span<std::byte const> item, buffer& call) {
      input_archive in(item);
      if (chain->in()) in.take(key_size);
      to_call(in, call);
    };
    how.to_result = [chain, each = remote.each_result](std::span<std::byte const> answer, buffer& value, buffer& parts) {
      answered to(*chain, value, parts);
      each(answer, to);
      to.end();
    };
    return std::make_unique<daemon_workers>(events, loop, std::move(how));
  };
}

}  // namespace

std::size_t count_parts(std::span<std::byte const> parts) noexcept {
  std::size_t count = 0;
  for (std::size_t at = 0; at + arguments_length_size <= parts.size(); ++count)
    at += arguments_length_size + task_store::size_at(parts.data() + at);
  return count;
}

item_key key_of(stage_entry const& first) {
  if (!first.options.key) return {};
  return {first.options.key, &first.stage->input()};
}

segment::segment(std::size_t number, std::vector<stage_entry> stages, item_key next)
    : origins(number == 0),
      stage_ns(stages.size()),
      number_(number),
      stages_(std::move(stages)),
      outline_(outline_of({stages_.begin(), stages_.end()})),
      chain_(chain_of(stages_, std::move(next))),
      yield_(chain_->yield()),
      ordered_(stages_.front().options.ordered),
      holds_parts_(stages_.front().options.retries > 0) {}

runner_settings segment::settings(std::chrono::nanoseconds drain) const {
  stage_options const& o = stages_.front().options;
  runner_settings s = shared_settings(o, outline_.workers, o.frame_limit);
  s.take_output(o);
  s.here = outline_.here;
  s.dispatch.policy.window = o.chunk_size;
  s.dispatch.linger = o.linger;
  s.dispatch.drain = drain;
  if (auto remote = stages_.front().stage->remote()) {
    if (o.chunk_size == 0) s.dispatch.policy.window = calls_at_once;
    s.dispatch.policy.side_by_side = true;
    s.elsewhere = workers_at(std::move(*remote), chain_);
  }
  s.local.takes_messages = true;
  if (std::ranges::any_of(stages_, &stage_entry::has_ends)) {
    s.local.setup = [chain = chain_] { chain->set_up(); };
    s.local.teardown = [chain = chain_] { chain->tear_down(); };
  }
  return s;
}

void segment::on_values(std::uint64_t first, value_series const& values) {
  bool const simple = yield_ == stage_yield::one && spoiled_.empty();
  if (!simple) {
    for (std::size_t i = 0; i < values.count; ++i) take_one(first + i, values.payload(i));
    return;
  }
  if (must_wait(first)) return hold(first, values);
  pass_on(first, values);
  if (ordered_) release();
}

void segment::pass_on(std::uint64_t first, value_series const& values) {
  over += values.count;  // first: nobody is to see an item in two places
  out += values.count;
  next_ += values.count;
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(std::min(values.count, held_.size())));
  owner_->pass_on(number_, first, values);
  for (std::size_t i = 0; i < values.count; ++i) origins.over(first + i);
}

void segment::hold(std::uint64_t first, value_series const& values) {
  buffer bytes = std::move(spare_);
  bytes.clear();
  bytes.append(values.at, values.bytes().size());
  held_series_.emplace(first, kept_series{values.length, values.count, std::move(bytes)});
}

void segment::on_value(std::uint64_t item, encoded_value const& value) {
  if (!value.blocks) return take_one(item, value.bytes);
  // The next stage does not look into shared memory.
  fail(item, 0, std::make_exception_ptr(protocol_error("a stage's result lies in shared memory")));
}

/// The chain is through with the item, and gave this.
void segment::take_one(std::uint64_t item, std::span<std::byte const> value) {
  if (auto const s = spoiled_.find(item); s != spoiled_.end()) {
    std::exception_ptr error = std::move(s->second);
    spoiled_.erase(s);
    return fail(item, stages_.size() - 1, std::move(error));
  }
  switch (yield_) {
    case stage_yield::one: return give_value(item, value);
    case stage_yield::maybe:
      if (value.empty() || value.front() == std::byte{0}) return finish(item, 0);
      return give_value(item, value.subspan(1));
    case stage_yield::none: return give_value(item, {});
    case stage_yield::many: break;
  }
  if (auto const kept = parts_.find(item); kept != parts_.end()) {
    buffer const parts = std::move(kept->second);
    parts_.erase(kept);
    give_parts(item, parts, count_parts(parts));
  }
  auto const made = made_.find(item);
  std::size_t const count = made == made_.end() ? 0 : made->second;
  if (made != made_.end()) made_.erase(made);
  finish(item, count);
}

segment::held& segment::hold(std::uint64_t item) {
  auto const at = static_cast<std::size_t>(item - next_);
  if (at >= held_.size()) held_.resize(at + 1);
  return held_[at];
}

void segment::give_value(std::uint64_t item, std::span<std::byte const> value) {
  if (must_wait(item)) {
    held& h = hold(item);
    std::uint64_t const length = value.size();
    h.parts.append(&length, sizeof length);
    h.parts.append(value.data(), value.size());
    h.count = 1;
    h.is_over = true;
    return;
  }
  ++out;
  owner_->pass_on(number_, item, value_series{item, value.size(), 1, value.data()});
  go_on_behind(item);
}

void segment::give_parts(std::uint64_t item, std::span<std::byte const> parts, std::size_t count) {
  made_[item] += count;
  if (must_wait(item)) {
    held& h = hold(item);
    h.parts.append(parts.data(), parts.size());
    h.count += count;
    return;
  }
  out += count;
  owner_->pass_on(number_, item, parts, count);
}

/// The item is over, and has given so many results as parts.
void segment::finish(std::uint64_t item, std::size_t made) {
  if (must_wait(item)) {
    hold(item).is_over = true;
    return;
  }
  end(item, made, 0, nullptr);
  go_on_behind(item);
}

void segment::fail(std::uint64_t item, std::size_t stage, std::exception_ptr error) {
  made_.erase(item);
  parts_.erase(item);
  if (must_wait(item)) {
    held& h = hold(item);
    h.error = std::move(error);
    h.stage = stage;
    h.is_over = true;
    return;
  }
  end(item, 0, stage, std::move(error));
  go_on_behind(item);
}

/// Counts an item that is over without a value of its own: it has failed, or has given so many results as parts.
void segment::end(std::uint64_t item, std::size_t made, std::size_t stage, std::exception_ptr error) {
  if (error) {
    ++failed;
    owner_->on_item_failed(number_, item, stage, std::move(error));
  } else if (made == 0) {
    ++dropped;
    owner_->on_dropped(number_, item);
  } else {
    owner_->on_split(number_, item);
  }
}

void segment::go_on_behind(std::uint64_t item) {
  ++over;
  origins.over(item);
  if (!ordered_) return;
  ++next_;
  if (!held_.empty()) held_.pop_front();
  release();
}

/// What was held for the sake of the order and is next now.
void segment::release() {
  for (;;) {
    if (release_series()) continue;
    if (held_.empty()) return;
    held& h = held_.front();
    if (h.count > 0) {
      out += h.count;
      owner_->pass_on(number_, next_, h.parts, h.count);
      h.parts.clear();
    }
    if (!h.is_over) return void(h.count = 0);  // it is the next one now, and gives at once what it still has
    end(next_, h.count, h.stage, h.error);
    ++over;
    origins.over(next_);
    held_.pop_front();
    ++next_;
  }
}

bool segment::release_series() {
  auto const at = held_series_.begin();
  if (at == held_series_.end() || at->first != next_) return false;
  kept_series kept = std::move(held_series_.extract(at).mapped());
  pass_on(next_, {next_, kept.length, kept.count, kept.bytes.data()});
  spare_ = std::move(kept.bytes);
  return true;
}

void segment::on_failure(std::uint64_t item, std::exception_ptr error) {
  spoiled_.erase(item);
  fail(item, std::exchange(failed_stage_, 0), std::move(error));
}

void segment::on_parts(std::uint64_t item, std::span<std::byte const> parts) {
  if (holds_parts_)
    parts_[item].append(parts.data(), parts.size());
  else
    give_parts(item, parts, count_parts(parts));
}

void segment::on_retry(std::uint64_t item) {
  parts_.erase(item);
  spoiled_.erase(item);
  failed_stage_ = 0;
}

void segment::on_place(std::uint32_t stage) noexcept {
  failed_stage_ = std::min<std::size_t>(stage, stages_.size() - 1);
}

void segment::on_message(std::uint64_t item, std::uint64_t topic, std::span<std::byte const> bytes) {
  if (topic > static_cast<std::uint64_t>(stage_topic::last)) return owner_->on_sent(number_, item, topic, bytes);
  input_archive message(bytes);
  std::uint64_t stage = 0;
  message >> stage;
  stage = std::min<std::uint64_t>(stage, stages_.size() - 1);
  if (topic == static_cast<std::uint64_t>(stage_topic::failed_stage)) {
    failed_stage_ = static_cast<std::size_t>(stage);
  } else if (topic == static_cast<std::uint64_t>(stage_topic::dropped_items)) {
    auto const count = make<std::uint64_t>(message);
    made_[item] += count;
    dropped += count;
    for (std::uint64_t i = 0; i < count; ++i) {
      owner_->on_one_more(number_, item);
      owner_->on_dropped(number_, item);
    }
  } else if (topic == static_cast<std::uint64_t>(stage_topic::stage_times)) {
    auto const spent = make<std::vector<std::uint64_t>>(message);
    for (std::size_t i = 0; i < std::min(spent.size(), stage_ns.size()); ++i) stage_ns[i] += spent[i];
  } else if (topic == static_cast<std::uint64_t>(stage_topic::failed_item)) {
    // One more that the item has become, and that has failed.
    auto error = std::make_exception_ptr(remote_exception(make<exception_record>(message)));
    made_[item] += 1;
    if (must_wait(item)) hold(item);
    ++failed;
    owner_->on_one_more(number_, item);
    owner_->on_item_failed(number_, item, static_cast<std::size_t>(stage), std::move(error));
  }
}

}  // namespace procx::inline v1::detail
