#include "pool/queue_exit.hpp"

#include "pool/short_mutex.hpp"

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

inline void queue_exit::take_front(taken_result& result) {
  result_chunk& chunk = chunks_.front();
  result.index = taken_++;
  bytes_taken_ += chunk.take(result);
  if (chunk.empty()) [[unlikely]] drop_front();
}

inline void queue_exit::count_taken() noexcept {
  counts_.result_bytes_taken.store(bytes_taken_, std::memory_order_release);
  counts_.taken.store(taken_, std::memory_order_release);  // behind the bytes: whoever sees it sees those
  if (at_end() && blocked_) come_.notify_all();
}

queue_exit::got queue_exit::take(taken_result& result, deadline until) {
  std::unique_lock lock(mutex_);
  if (empty()) [[unlikely]]
    if (got const g = wait(lock, until); g != got::result) return g;
  take_front(result);
  count_taken();
  return got::result;
}

/// For something to take.
queue_exit::got queue_exit::wait(std::unique_lock<short_mutex>& lock, deadline until) {
  while (empty()) {
    if (at_end()) return got::end;
    ++blocked_;
    bool late = false;
    if (until == queue_core::never)
      come_.wait(lock);
    else
      late = come_.wait_until(lock, until) == std::cv_status::timeout;
    --blocked_;
    if (late && empty()) return at_end() ? got::end : got::nothing_yet;
  }
  return got::result;
}

queue_exit::got queue_exit::try_take(taken_result& result) {
  std::lock_guard const lock(mutex_);
  if (empty()) return at_end() ? got::end : got::nothing_yet;
  take_front(result);
  count_taken();
  return got::result;
}

std::uint64_t queue_exit::async_take(std::unique_ptr<result_receiver> receiver) {
  std::vector<served> done;
  std::uint64_t number = 0;
  {
    std::lock_guard const lock(mutex_);
    number = ++numbers_;
    waiting_.push_back({number, std::move(receiver)});
    serve(done);
  }
  finish(done);
  return number;
}

void queue_exit::cancel(std::uint64_t number) {
  std::unique_ptr<result_receiver> receiver;
  {
    std::lock_guard const lock(mutex_);
    auto const at = std::ranges::find(waiting_, number, &waiting_take::number);
    if (at == waiting_.end()) return;
    receiver = std::move(at->receiver);
    waiting_.erase(at);
  }
  receiver->complete(std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted)), nullptr);
}

bool queue_exit::publish(result_order& results) {
  bool any_taken = false;
  while (results.front_is_there()) {
    while (ready_.size() < chunks_at_once && results.front_is_there()) take_ready(results);
    any_taken = hand_over() || any_taken;
  }
  return any_taken;
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

/// Whether somebody has taken something at once.
bool queue_exit::hand_over() {
  std::vector<served> done;
  bool blocked = false;
  {
    std::lock_guard const lock(mutex_);
    for (result_chunk& chunk : ready_) chunks_.push_back(std::move(chunk));
    ready_.clear();
    for (; !spent_.empty(); spent_.pop_back())
      if (to_fill_.size() < chunks_kept) to_fill_.push_back(std::move(spent_.back()));
    serve(done);
    blocked = blocked_ > 0 && !empty();
  }
  if (blocked && !std::exchange(will_wake_, true)) wake_later_();
  finish(done);
  return !done.empty();
}

void queue_exit::wake_blocked() {
  will_wake_ = false;
  come_.notify_all();  // without the lock, which they need
}

void queue_exit::end_at(std::uint64_t all) {
  std::vector<served> done;
  {
    std::lock_guard const lock(mutex_);
    end_ = all;
    serve(done);
    if (blocked_) come_.notify_all();
  }
  finish(done);
}

void queue_exit::fail_waiting(std::exception_ptr const& error) {
  std::deque<waiting_take> waiting;
  {
    std::lock_guard const lock(mutex_);
    waiting.swap(waiting_);
  }
  for (auto& w : waiting) w.receiver->complete(error, nullptr);
}

void queue_exit::over() {
  std::vector<std::function<void()>> to_tell;
  {
    std::lock_guard const lock(mutex_);
    over_ = true;
    to_tell.swap(to_tell_);
    over_told_.notify_all();
  }
  for (auto& then : to_tell) then();
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

void queue_exit::when_over(std::function<void()> then) {
  {
    std::lock_guard const lock(mutex_);
    if (!over_) return to_tell_.push_back(std::move(then));
  }
  then();
}

[[gnu::noinline]] void queue_exit::drop_front() {
  result_chunk& chunk = chunks_.front();
  chunk.clear();
  if (spent_.size() < chunks_kept) spent_.push_back(std::move(chunk));
  chunks_.pop_front();
}

/// Those who wait asynchronously, as far as there is something for them.
void queue_exit::serve(std::vector<served>& done) {
  while (!waiting_.empty() && (!empty() || at_end())) {
    served& s = done.emplace_back();
    s.receiver = std::move(waiting_.front().receiver);
    waiting_.pop_front();
    s.any = !empty();
    if (s.any) take_front(s.result);
  }
  if (!done.empty()) count_taken();
}

void queue_exit::finish(std::vector<served>& done) {
  for (served& s : done) s.receiver->complete(nullptr, s.any ? &s.result : nullptr);
}

}  // namespace procx::inline v1::detail
