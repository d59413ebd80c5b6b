// The half of an exchange that reuses workers: tasks that know nothing of channels go through the dispatcher.
#include "exchange/exchange_core.hpp"

#include "local/runner_settings.hpp"

#include <utility>

namespace procx::inline v1::detail {
namespace {

/// In memory of its own: a parameter's `serialize` may start other tasks.
packed_task pack(job& task, task_head const& head, bool run_once) {
  packed_task packed;
  packed.head = head;
  slab_sink slabs(run_once);
  output_archive out(packed.bytes, &slabs);
  task.encode(out);
  packed.slab_bytes = slabs.bytes();
  packed.slabs = slabs.take();
  return packed;
}

}  // namespace

void exchange_core::make_workers() {
  runner_settings s = shared_settings(options_, limit_, options_.start.frame_limit);
  s.local.capture = options_.start.capture_stderr ? captured::errors : captured::nothing;
  workers_ = std::make_unique<dispatcher>(loop_, s.dispatch, callables_, s.source(loop_, callables_));
  worker_tasks_ = std::make_unique<lane>(*workers_, *this);
}

void exchange_core::to_workers(job& task) {
  if (!workers_) make_workers();
  task_head head = task.head();
  if (auto object = task.inherited()) {
    auto const [at, is_new] = table_places_.try_emplace(object.get());
    if (is_new) at->second = callables_->add(task.entry(), std::move(object));
    head.callable = at->second;
  }
  packed_task packed = pack(task, head, workers_->runs_once());
  worker_tasks_->add_task(next_index_, std::move(packed));
}

channel& exchange_core::stand_in_for(pid_t worker) {
  auto const [at, is_new] = stand_ins_.try_emplace(worker);
  if (is_new) at->second = channel(std::make_unique<channel_core>(worker));
  return at->second;
}

void exchange_core::on_value(std::uint64_t id, worker_name const& worker, encoded_value const& value) {
  arrived_.push_back({id, static_cast<pid_t>(worker.process), held_result::copy_of(value)});
}

void exchange_core::on_failure(std::uint64_t id, worker_name const& worker, std::exception_ptr error) {
  held_result failed;
  failed.error = std::move(error);
  arrived_.push_back({id, static_cast<pid_t>(worker.process), std::move(failed)});
}

/// The tasks that the workers had are lost, and whoever waits for them is told. The next ones get new workers.
void exchange_core::on_broken(std::exception_ptr why) noexcept {
  worker_tasks_.reset();
  workers_.reset();
  try {
    note_escaped(std::move(why));
    if (!loop_.is_private()) complete_waits();
  } catch (...) {
    // There is no memory at all. That nothing is left to wait for is seen.
  }
}

void exchange_core::on_progress() {
  show_arrived();
  start_or_note();
  if (!loop_.is_private()) complete_waits();
}

/// Nobody else has the channel meanwhile: the owner may have others shown to it, from the same worker too, before it has
/// received this one.
void exchange_core::show_arrived() {
  while (!arrived_.empty() && owner_) {
    arrived_result next = std::move(arrived_.front());
    arrived_.pop_front();
    if (by_hand_) {
      auto& kept = kept_[next.worker];
      kept.push_back(std::move(next));
      continue;
    }
    stand_in_for(next.worker);
    auto stand_in = stand_ins_.extract(next.worker);
    channel_core& shown = stand_in.mapped().core();
    shown.tag = next.id;
    if (next.result.error)
      shown.offer(next.result.error);
    else
      shown.offer(next.result.value());
    show(stand_in.mapped(), &exchange::store_data);
    shown.withdraw_offers();
    if (!next.result.error) stand_ins_.insert(std::move(stand_in));  // else the worker may be gone for good
  }
}

}  // namespace procx::inline v1::detail
