#include "pool/ordered_results.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t chunks_kept = 4;
constexpr std::size_t chunks_at_once = 64;
constexpr std::size_t copied_at_most = 1024;  // bytes, rather than having a chunk of their own

}  // namespace

void taken_result::reset() noexcept { held.reset(); }

ordered_results::got ordered_results::take(taken_result& result, wait_deadline until) {
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

ordered_results::got ordered_results::try_take(taken_result& result) {
  std::vector<served> done;
  got g{};
  {
    biased_mutex::visit const visit(counts_.taking);  // it may be called where one may not wait
    g = take_next(result, done);
  }
  finish(done);
  return g;
}

/// Behind consumers that have waited for longer.
ordered_results::got ordered_results::take_next(taken_result& result, std::vector<served>& done) {
  if (!waiting_.empty()) [[unlikely]] serve(done);
  if (!has_next()) return at_end() ? got::end : got::nothing_yet;
  take_front(result);
  count_taken();
  return got::result;
}

/// Whether there is something to take, and then the fast path has it.
bool ordered_results::has_next() {
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
bool ordered_results::add_failure() {
  auto why = why_nothing_comes();
  if (!why) return false;
  auto failed = std::make_unique<held_result>();
  failed->error = std::move(why);
  result_chunk chunk;
  chunk.add(std::move(failed));
  chunks_.push_back(std::move(chunk));
  return has_next();
}

std::exception_ptr ordered_results::why_nothing_comes() const {
  std::lock_guard const lock(mutex_);
  return published_.empty() ? rest_fails_with_ : nullptr;
}

/// What was published meanwhile; whether something was.
bool ordered_results::fetch() {
  seen_ = news_.now();  // first: what comes later wakes
  std::lock_guard const lock(mutex_);
  for (; !used_.empty(); used_.pop_back())
    if (spent_.size() < chunks_kept) spent_.push_back(std::move(used_.back()));
  chunks_.swap(published_);
  return !chunks_.empty();
}

[[gnu::noinline]] void ordered_results::drop_front() {
  result_chunk& chunk = chunks_.front();
  chunk.clear();
  if (used_.size() < chunks_kept) used_.push_back(std::move(chunk));
  chunks_.pop_front();
}

void ordered_results::take_front(taken_result& result) {
  if (out_.length == result_chunk::held) [[unlikely]] {
    result.held = chunks_.front().next_held();
    result.index = out_.drop_front(result.held->bytes.size() + result.held->block_bytes);
    return;
  }
  if (result.held) [[unlikely]] result.reset();
  result.length = out_.length;
  copy_old_bytes(result.bytes.data(), out_.at, out_.length);
  out_.at += out_.length;
  result.index = out_.drop_front(out_.length);
}

void ordered_results::count_taken() {
  counts_.count_taken(out_.taken, out_.bytes_taken);
  if (at_end()) news_.tell();
}

std::uint64_t ordered_results::async_take(std::unique_ptr<result_receiver>&& receiver) {
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

void ordered_results::cancel(std::uint64_t number) {
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

void ordered_results::publish() {
  while (order_.front_is_there()) {
    while (ready_.size() < chunks_at_once && order_.front_is_there()) take_ready();
    hand_over();
  }
}

/// Not under the lock, which consumers need all the time.
void ordered_results::take_ready() {
  result_chunk next;
  if (!to_fill_.empty()) {
    next = std::move(to_fill_.back());
    to_fill_.pop_back();
  }
  order_.take_front(next);
  bool const small = next.size() <= copied_at_most;
  if (small && !ready_.empty() && !ready_.back().is_full()) {
    ready_.back().add(next);
    to_fill_.push_back(std::move(next));
  } else {
    ready_.push_back(std::move(next));
  }
}

void ordered_results::hand_over() {
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

void ordered_results::wake_blocked() {
  will_wake_ = false;
  news_.wake();
}

void ordered_results::end_at(std::uint64_t all) {
  end_.store(all);
  news_.tell();
  if (waiting_takes_.load() > 0) serve_waiting();
}

void ordered_results::fail_rest(std::exception_ptr why) noexcept {
  {
    std::lock_guard const lock(mutex_);
    rest_fails_with_ = std::move(why);
  }
  news_.tell();
  if (waiting_takes_.load() > 0) serve_waiting();
}

void ordered_results::fail_waiting(std::exception_ptr const& error) {
  if (waiting_takes_.load() == 0) return;  // and no memory is needed to say so
  std::deque<waiting_take> waiting;
  {
    biased_mutex::visit const visit(counts_.taking);
    waiting.swap(waiting_);
  }
  for (auto& w : waiting) w.receiver->complete(error, nullptr);
}

void ordered_results::serve_waiting() {
  std::vector<served> done;
  {
    biased_mutex::visit const visit(counts_.taking);
    serve(done);
  }
  finish(done);
}

/// Consumers that wait asynchronously, as far as there is something for them.
void ordered_results::serve(std::vector<served>& done) {
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

void ordered_results::finish(std::vector<served>& done) {
  if (done.empty()) return;
  on_taken_();
  for (served& s : done) s.receiver->complete(nullptr, s.any ? &s.result : nullptr);
  done.clear();
}

}  // namespace procx::inline v1::detail
