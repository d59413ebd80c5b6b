#include "pipeline/stage_chain.hpp"

#include <procx/detail/dispatch/task_output.hpp>
#include <procx/error/exception_record.hpp>
#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace procx::inline v1::detail {
namespace {

stage_yield yield_of(std::vector<std::shared_ptr<stage_base>> const& stages) noexcept {
  auto const any = [&](stage_yield what) {
    return std::ranges::any_of(stages, [what](auto const& s) { return s->yield() == what; });
  };
  if (stages.back()->yield() == stage_yield::none) return stage_yield::none;
  return any(stage_yield::many) ? stage_yield::many : any(stage_yield::maybe) ? stage_yield::maybe : stage_yield::one;
}

void send(stage_topic topic, buffer const& bytes) {
  if (auto* const output = task_output::current()) output->message(static_cast<std::uint64_t>(topic), bytes);
}

}  // namespace

stage_chain::stage_chain(std::vector<std::shared_ptr<stage_base>> stages, item_key in, item_key out)
    : stages_(std::move(stages)),
      in_(std::move(in)),
      out_(std::move(out)),
      is_keyed_(static_cast<bool>(in_)),
      gives_keys_(static_cast<bool>(out_)),
      yield_(yield_of(stages_)),
      times_(stages_.size()) {
  bool many = false;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    links_.emplace_back(*this, i);
    many = many || stages_[i]->yield() == stage_yield::many;
    one_of_many_.push_back(many);
  }
  has_made_.resize(stages_.size());
}

void stage_chain::set_up() {
  for (; set_up_ < stages_.size(); ++set_up_) stages_[set_up_]->set_up();
}

void stage_chain::tear_down() {
  std::exception_ptr first;
  for (; set_up_ > 0; --set_up_) try {
      stages_[set_up_ - 1]->tear_down();
    } catch (...) {
      if (!first) first = std::current_exception();
    }
  if (first) std::rethrow_exception(first);
}

std::uint64_t stage_chain::key_of(std::span<std::byte const> item) const {
  input_archive in(item);
  return stages_.front()->key_of(in, in_.key);
}

/// What is known of a process that dies is how far it was.
void stage_chain::go_to(std::size_t stage) noexcept {
  times_.leave(at_);
  at_ = stage;
  if (output_) output_->set_place(static_cast<std::uint32_t>(stage));
}

void stage_chain::run(void* object, input_archive& item, output_archive& result) {
  static_cast<stage_chain*>(object)->run_item(item, result);
}

void stage_chain::run_item(input_archive& item, output_archive& result) {
  result_ = &result;
  output_ = task_output::current();
  has_result_ = false;
  if (at_ > 0) go_to(0);
  dropped_ = 0;
  if (is_keyed_) item.take(key_size);
  times_.begin_item();
  try {
    stages_.front()->run(item, links_.front());
  } catch (...) {
    if (at_ > 0) {
      buffer which;
      encode(which, std::uint64_t{at_});
      send(stage_topic::failed_stage, which);
    }
    throw;
  }
  times_.leave(at_);
  if (times_.is_due()) tell_times();
  if (yield_ == stage_yield::maybe && !has_result_) result << false;
  if (dropped_ == 0) return;
  buffer how_many;
  encode(how_many, std::uint64_t{0});
  encode(how_many, dropped_);
  send(stage_topic::dropped_items, how_many);
}

void stage_chain::tell_times() {
  buffer times;
  encode(times, std::uint64_t{0});
  encode(times, times_.take());
  send(stage_topic::stage_times, times);
}

/// An item that fails behind a stage which makes many is one of many: the others go on.
void stage_chain::on_made(std::size_t stage, void* value) {
  std::size_t const next = stage + 1;
  has_made_[stage] = true;
  if (next == stages_.size()) return finish(value);
  go_to(next);
  if (!one_of_many_[stage]) return stages_[next]->run(value, links_[next]);
  has_made_[next] = false;
  try {
    stages_[next]->run(value, links_[next]);
    if (stages_[next]->yield() == stage_yield::maybe && !has_made_[next]) ++dropped_;
  } catch (...) {
    buffer failure;
    encode(failure, std::uint64_t{at_});
    encode(failure, describe_exception(std::current_exception()));
    send(stage_topic::failed_item, failure);
  }
  go_to(stage);
}

void stage_chain::finish(void* value) {
  if (yield_ != stage_yield::many) {
    if (yield_ == stage_yield::maybe) *result_ << true;
    has_result_ = true;
    return save(value, *result_);
  }
  auto* const output = task_output::current();
  if (!output) throw sequence_error("px::emit is for the thread that runs the stage");
  part_.clear();
  output_archive out(part_, nullptr);
  save(value, out);
  output->part(part_);
}

/// All of it, so that it goes on to the next stage as it is.
void stage_chain::save(void* value, output_archive& to) {
  if (gives_keys_) {
    std::uint64_t const key = *out_.key.of(*out_.type, value);
    to.save_binary(&key, key_size);
  }
  stages_.back()->save_output(to, value);
}

}  // namespace procx::inline v1::detail
