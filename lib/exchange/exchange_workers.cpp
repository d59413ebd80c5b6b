// The half of an exchange that reuses workers: tasks that know nothing of channels go through the dispatcher.
#include "exchange/exchange_core.hpp"

#include <utility>

namespace procx::inline v1::detail {

void exchange_core::to_workers(std::size_t index, job& task) {
  if (!workers_) {
    dispatcher::settings s;
    s.take(options_);
    s.workers = limit_;
    s.frame_limit = options_.start.frame_limit;
    s.capture = options_.start.capture_stderr ? captured::errors : captured::nothing;
    workers_ = std::make_unique<dispatcher>(loop_, s, callables_, *this);
  }
  task_head head = task.head();
  if (auto object = task.inherited()) {
    auto const [at, is_new] = table_places_.try_emplace(object.get());
    if (is_new) at->second = callables_->add(task.entry(), std::move(object));
    head.callable = at->second;
  }
  output_archive out = workers_->begin_task(head);
  try {
    task.encode(out);
  } catch (...) {
    workers_->abandon_task();
    throw;
  }
  workers_->commit_task(index);
}

channel& exchange_core::face_of(pid_t worker) {
  auto const [at, is_new] = faces_.try_emplace(worker);
  if (is_new) at->second = channel(std::make_unique<channel_core>(worker));
  return at->second;
}

void exchange_core::on_value(std::uint64_t id, pid_t worker, encoded_value const& value) {
  channel& face = face_of(worker);
  face.core().tag = id;
  face.core().offer(value);
  show(face, &exchange::store_data);
  face.core().withdraw_offers();
}

void exchange_core::on_failure(std::uint64_t id, pid_t worker, std::exception_ptr error) {
  channel& face = face_of(worker);
  face.core().tag = id;
  face.core().offer(std::move(error));
  show(face, &exchange::store_data);
  face.core().withdraw_offers();
  faces_.erase(worker);  // it may be gone for good
}

/// The tasks that the workers had are lost, and whoever waits for them is told. The next ones get new workers.
void exchange_core::on_broken(std::exception_ptr why) noexcept {
  workers_.reset();
  try {
    note_escaped(std::move(why));
    if (!loop_.is_private()) complete_waits();
  } catch (...) {
    // There is no memory at all. That nothing is left to wait for is seen.
  }
}

void exchange_core::on_progress() {
  start_or_note();
  if (!loop_.is_private()) complete_waits();
}

}  // namespace procx::inline v1::detail
