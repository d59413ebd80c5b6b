#include "pool/queue_exit.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t chunks_kept = 4;
constexpr std::size_t chunks_at_once = 64;
constexpr std::size_t copied_at_most = 1024;  // bytes, rather than having a chunk of their own

}  // namespace

void taken_result::let_go() noexcept { held.reset(); }

queue_exit::got queue_exit::take(taken_result& result, deadline until) {
  std::vector<served> done;
  std::unique_lock lock(counts_.taking);
  for (bool late = false;;) {
    got const g = take_next(result, done);
    std::uint64_t const seen = seen_;
    lock.unlock();
    finish(done);
    if (g != got::nothing_yet || late) return g;
    late = !news_.wait_beyond(seen, until);
    lock.lock();
  }
}

queue_exit::got queue_exit::try_take(taken_result& result) {
  std::vector<served> done;
  got g{};
  {
    biased_mutex::visit const visit(counts_.taking);  // it may be called where one may not wait
    g = take_next(result, done);
  }
  finish(done);
  return g;
}

/// Behind those who have waited for longer.
queue_exit::got queue_exit::take_next(taken_result& result, std::vector<served>& done) {
  if (!waiting_.empty()) [[unlikely]] serve(done);
  if (!has_next()) return at_end() ? got::end : got::nothing_yet;
  take_front(result);
  count_taken();
  return got::result;
}

/// Whether there is something to take, and then it is in the outlet.
bool queue_exit::has_next() {
  while (out_.left == 0) {
    if (chunks_.empty() && !fetch()) return !at_end() && add_failure();
    if (auto const next = chunks_.front().next()) {
      out_.at = next->at;
      out_.left = next->count;
      out_.length = next->length;
    } else {
      drop_front();
    }
  }
  return true;
}

/// If nothing more will be published, the next outcome is why; whether there is such a one.
bool queue_exit::add_failure() {
  auto why = why_nothing_comes();
  if (!why) return false;
  auto failed = std::make_unique<held_result>();
  failed->error = std::move(why);
  result_chunk chunk;
  chunk.add(std::move(failed));
  chunks_.push_back(std::move(chunk));
  return has_next();
}

std::exception_ptr queue_exit::why_nothing_comes() const {
  std::lock_guard const lock(mutex_);
  return published_.empty() ? rest_fails_with_ : nullptr;
}

/// What was published meanwhile; whether something was.
bool queue_exit::fetch() {
  seen_ = news_.now();  // first: what comes later wakes
  std::lock_guard const lock(mutex_);
  for (; !used_.empty(); used_.pop_back())
    if (spent_.size() < chunks_kept) spent_.push_back(std::move(used_.back()));
  chunks_.swap(published_);
  return !chunks_.empty();
}

[[gnu::noinline]] void queue_exit::drop_front() {
  result_chunk& chunk = chunks_.front();
  chunk.clear();
  if (used_.size() < chunks_kept) used_.push_back(std::move(chunk));
  chunks_.pop_front();
}

void queue_exit::take_front(taken_result& result) {
  if (out_.length == result_chunk::held) [[unlikely]] {
    result.held = chunks_.front().next_held();
    result.index = out_.drop_front(result.held->bytes.size() + result.held->block_bytes);
    return;
  }
  if (result.held) [[unlikely]] result.let_go();
  result.length = out_.length;
  copy_old_bytes(result.bytes.data(), out_.at, out_.length);
  out_.at += out_.length;
  result.index = out_.drop_front(out_.length);
}

void queue_exit::count_taken() {
  counts_.count_taken(out_.taken, out_.bytes_taken);
  if (at_end()) news_.tell();
}

std::uint64_t queue_exit::async_take(std::unique_ptr<result_receiver>&& receiver) {
  std::vector<served> done;
  std::uint64_t number = 0;
  {
    biased_mutex::visit const visit(counts_.taking);
    number = ++numbers_;
    waiting_.push_back({number, nullptr});
    waiting_.back().receiver = std::move(receiver);  // there is memory for it
    serve(done);
  }
  finish(done);
  return number;
}

void queue_exit::cancel(std::uint64_t number) {
  std::unique_ptr<result_receiver> receiver;
  {
    biased_mutex::visit const visit(counts_.taking);
    auto const at = std::ranges::find(waiting_, number, &waiting_take::number);
    if (at == waiting_.end()) return;
    receiver = std::move(at->receiver);
    waiting_.erase(at);
  }
  receiver->complete(std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted)), nullptr);
}

void queue_exit::publish(result_order& results) {
  while (results.front_is_there()) {
    while (ready_.size() < chunks_at_once && results.front_is_there()) take_ready(results);
    hand_over();
  }
}

/// Not under the lock, which consumers need all the time.
void queue_exit::take_ready(result_order& results) {
  result_chunk next;
  if (!to_fill_.empty()) {
    next = std::move(to_fill_.back());
    to_fill_.pop_back();
  }
  results.take_front(next);
  bool const small = next.size() <= copied_at_most;
  if (small && !ready_.empty() && !ready_.back().is_full()) {
    ready_.back().add(next);
    to_fill_.push_back(std::move(next));
  } else {
    ready_.push_back(std::move(next));
  }
}

void queue_exit::hand_over() {
  {
    std::lock_guard const lock(mutex_);
    for (result_chunk& chunk : ready_) published_.push_back(std::move(chunk));
    ready_.clear();
    for (; !spent_.empty(); spent_.pop_back())
      if (to_fill_.size() < chunks_kept) to_fill_.push_back(std::move(spent_.back()));
  }
  if (news_.advance() && !std::exchange(will_wake_, true)) wake_later_();
  if (waiting_takes_.load() > 0) serve_waiting();
}

void queue_exit::wake_blocked() {
  will_wake_ = false;
  news_.wake();
}

void queue_exit::end_at(std::uint64_t all) {
  end_.store(all);
  news_.tell();
  if (waiting_takes_.load() > 0) serve_waiting();
}

void queue_exit::fail_rest(std::exception_ptr why) noexcept {
  {
    std::lock_guard const lock(mutex_);
    rest_fails_with_ = std::move(why);
  }
  news_.tell();
  if (waiting_takes_.load() > 0) serve_waiting();
}

void queue_exit::fail_waiting(std::exception_ptr const& error) {
  if (waiting_takes_.load() == 0) return;  // and no memory is needed to say so
  std::deque<waiting_take> waiting;
  {
    biased_mutex::visit const visit(counts_.taking);
    waiting.swap(waiting_);
  }
  for (auto& w : waiting) w.receiver->complete(error, nullptr);
}

void queue_exit::over() {
  std::vector<ending_handler> to_tell;
  {
    std::lock_guard const lock(mutex_);
    over_ = true;
    to_tell.swap(to_tell_);
    over_told_.notify_all();
  }
  for (auto& then : to_tell) tell_end(then);
}

bool queue_exit::is_over() const {
  std::lock_guard const lock(mutex_);
  return over_;
}

bool queue_exit::wait_until_over(deadline until) {
  std::unique_lock lock(mutex_);
  if (until != queue_core::never) return over_told_.wait_until(lock, until, [this] { return over_; });
  over_told_.wait(lock, [this] { return over_; });
  return true;
}

void queue_exit::note_bad_ending(std::exception_ptr error) noexcept {
  std::lock_guard const lock(mutex_);
  if (!bad_ending_) bad_ending_ = std::move(error);
}

std::exception_ptr queue_exit::take_bad_ending() noexcept {
  std::lock_guard const lock(mutex_);
  return std::exchange(bad_ending_, nullptr);
}

void queue_exit::tell_end(ending_handler const& then) {
  std::exception_ptr error = take_bad_ending();
  if (!then(error) && error) note_bad_ending(std::move(error));
}

void queue_exit::when_over(ending_handler then) {
  {
    std::lock_guard const lock(mutex_);
    if (!over_) return to_tell_.push_back(std::move(then));
  }
  tell_end(then);
}

void queue_exit::serve_waiting() {
  std::vector<served> done;
  {
    biased_mutex::visit const visit(counts_.taking);
    serve(done);
  }
  finish(done);
}

/// Those who wait asynchronously, as far as there is something for them.
void queue_exit::serve(std::vector<served>& done) {
  waiting_takes_.store(waiting_.size());  // first: what is published from now on is for them
  while (!waiting_.empty() && (has_next() || at_end())) {
    served& s = done.emplace_back();
    s.receiver = std::move(waiting_.front().receiver);
    waiting_.pop_front();
    s.any = has_next();
    if (s.any) take_front(s.result);
  }
  waiting_takes_.store(waiting_.size());
  if (!done.empty()) count_taken();
}

void queue_exit::finish(std::vector<served>& done) {
  if (done.empty()) return;
  tell_taken_();
  for (served& s : done) s.receiver->complete(nullptr, s.any ? &s.result : nullptr);
  done.clear();
}

}  // namespace procx::inline v1::detail
