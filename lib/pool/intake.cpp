#include "pool/intake.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <iterator>

namespace procx::inline v1::detail {
namespace {

using clock = std::chrono::steady_clock;

// A producer that had to wait goes on when a quarter of the places are free (`much_room`), or one has been for so long:
// otherwise it would be woken for every item that a fast consumer takes.
constexpr std::chrono::microseconds linger{200};

// So long a producer sleeps before it makes sure that a consumer has seen that it waits: making sure has the system interrupt
// the consumer, and hardly ever is there a reason.
constexpr std::chrono::milliseconds unsure{1};

constexpr std::size_t batch_size = 48 * 1024;  // a new one is begun rather than to make one larger
constexpr std::size_t spare_at_most = 16;      // batches
constexpr std::size_t kept_of_batch = 4 * batch_size;

}  // namespace

intake::intake(limits const& l, std::size_t frame_limit, operations ops, flow_counts& counts, std::function<void()> wake)
    : limits_(l), operations_(ops), counts_(counts), wake_(std::move(wake)) {
  in_.frame_limit = frame_limit;
  if (ops == operations::end_with_outcome) in_.mutex.share();  // a pool's loop thread comes by for single tasks
}

std::uint64_t intake::put(intake_item const& item, wait_deadline until) {
  std::uint64_t index = 0;
  std::size_t const size = item.size();
  {
    std::unique_lock lock(in_.mutex);
    if (stopped_) [[unlikely]] {
      refuse();
      return intake_fast_path::no_place;
    }
    if ((!waiting_.empty() || !has_room(size)) && !wait_for_room(lock, size, until)) return intake_fast_path::no_place;
    index = add(item, admitted());
    if (!must_wake()) return index;
  }
  wake_();
  return index;
}

std::uint64_t intake::put_anyway(intake_item const& item) {
  std::uint64_t index = 0;
  {
    biased_mutex::visit const visit(in_.mutex);
    if (stopped_) throw queue_stopped();
    index = add(item, admitted());
    if (!must_wake()) return index;
  }
  wake_();
  return index;
}

std::uint64_t intake::submit(intake_item const& item, std::unique_ptr<operation>&& op, bool may_wait) {
  std::size_t const size = item.size();
  std::uint64_t number = 0;
  {
    std::unique_lock lock(in_.mutex);
    if (stopped_) [[unlikely]] throw queue_stopped();
    bool const room = (waiting_.empty() && has_room(size)) || (may_wait && wait_for_room(lock, size, wait_forever));
    number = numbers_;
    if (room) [[likely]] {
      add(item, number, &op);
      ++numbers_;
    } else {
      let_wait(item, std::move(op));
    }
    if (!must_wake()) return number;
  }
  wake_();
  return number;
}

void intake::room_made() {
  counts_.producers_wait_for.store(flow_counts::no_producer);
  counts_.producers_wait_for_bytes.store(false);
  room_news_.tell();
  if (waiting_count_.load() > 0) serve_waiting();
}

std::optional<std::uint64_t> intake::stop(bool left) {
  finished_ops done;
  std::uint64_t all = 0;
  {
    biased_mutex::visit const visit(in_.mutex);
    if (left) left_ = true;
    if (std::exchange(stopped_, true)) return std::nullopt;
    in_.end = in_.at;  // nothing goes in the short way
    all = admitted();
    serve(done);
  }
  room_news_.tell();
  finish(done);
  return all;
}

bool intake::take(std::list<intake_batch>& to, bool sleeps) {
  if (take_box(to)) return true;
  if (!sleeps || in_.wanted.load()) return false;  // if it waits already, nothing has come since
  biased_mutex::visit const visit(in_.mutex);
  hand_over();
  if (take_box(to)) return true;
  in_.wanted.store(true, std::memory_order_relaxed);
  return false;
}

bool intake::take_box(std::list<intake_batch>& to) {
  std::lock_guard const lock(box_mutex_);
  if (box_.empty()) return false;
  to.splice(to.end(), box_);
  return true;
}

void intake::recycle_front(std::list<intake_batch>& from) {
  intake_batch& batch = from.front();
  batch.clear();
  if (batch.items.capacity() > kept_of_batch) batch.items.release();
  {
    std::lock_guard const lock(box_mutex_);
    if (spare_.size() < spare_at_most) return spare_.splice(spare_.begin(), from, from.begin());
  }
  from.pop_front();
}

/// Looks at the counters only if there was no room when it last did: consumers write them all the time.
bool intake::has_room(std::size_t bytes) noexcept {
  if (in_.had_room(bytes)) return true;
  std::uint64_t const taken = counts_.taken.load();
  in_.items_until = taken + limits_.items;
  if (taken == admitted()) return true;  // alone, whatever its size
  std::uint64_t const room = limits_.bytes - std::min<std::uint64_t>(bytes_kept(), limits_.bytes);
  // No further than to where results may have come meanwhile.
  in_.bytes_until = in_.bytes_in + std::min<std::uint64_t>(room, std::max<std::size_t>(limits_.bytes / 16, bytes));
  return in_.had_room(bytes);
}

/// Likewise, but if there is none, producers are told when something is taken.
bool intake::has_room_now(std::size_t bytes) noexcept {
  if (has_room(bytes)) return true;
  ask_to_be_told(counts_.taken.load() + 1, bytes);
  static_cast<void>(counts_.taken_now());
  return has_room(bytes);
}

/// Bytes may go with every item that is taken, and when a task is over.
void intake::ask_to_be_told(std::uint64_t when_taken, std::size_t bytes) noexcept {
  counts_.producers_wait_for.store(std::min(when_taken, counts_.producers_wait_for.load()));
  if (bytes_kept() + bytes > limits_.bytes) counts_.producers_wait_for_bytes.store(true);
}

std::uint64_t intake::bytes_kept() const noexcept {
  return in_.bytes_in - counts_.argument_bytes_over.load() + counts_.result_bytes_kept();
}

/// A producer that stops its own queue, or another's, knows of it; one whose consumer leaves does not.
void intake::refuse() {
  if (!left_) throw queue_stopped();
  ++refused_;
}

/// Others may come by meanwhile. False if time runs out or the consumer leaves; throws queue_stopped.
bool intake::wait_for_room(std::unique_lock<biased_mutex>& lock, std::size_t bytes, wait_deadline until) {
  wait_deadline makes_do = wait_forever;  // with the little room there is
  bool make_sure = false;
  for (;;) {
    // First asks, then looks: what is taken in between is seen here or told.
    std::uint64_t const seen = room_news_.now();
    bool const little = makes_do != wait_forever;
    std::uint64_t const enough = admitted() + much_room();
    ask_to_be_told(little ? enough - std::min<std::uint64_t>(enough, limits_.items) : counts_.taken.load() + 1, bytes);
    if (make_sure) static_cast<void>(counts_.taken_now());
    in_.items_until = in_.bytes_until = 0;
    bool const room = waiting_.empty() && has_room(bytes);
    auto const now = clock::now();
    if (room && (in_.items_until - admitted() >= much_room() || now >= std::min(makes_do, until))) return true;
    if (now >= until) return false;
    if (room && !little) {
      makes_do = now + linger;
      continue;
    }
    if (!room) makes_do = wait_forever;

    hand_over();  // or the loop thread would have to come for it
    lock.unlock();
    make_sure = !room_news_.wait_beyond(seen, std::min({makes_do, until, make_sure ? wait_forever : now + unsure}));
    lock.lock();
    if (stopped_) {
      refuse();
      return false;
    }
  }
}

/// What throws comes first: without memory nothing has happened.
std::uint64_t intake::add(intake_item const& item, std::uint64_t number, std::unique_ptr<operation>* op) {
  std::size_t const length = item.bytes.size(), size = item.size();
  bool const ordinary = item.is_task && !item.has_slabs();
  if (static_cast<std::size_t>(open_end_ - in_.at) < length) [[unlikely]] open_a_batch(length);
  if (op) open_.front().operations.emplace_back();
  if (!continues_run(item, number)) [[unlikely]] try {
      begin_run(item, number);
    } catch (...) {
      if (op) open_.front().operations.pop_back();
      throw;
    }
  if (op) open_.front().operations.back() = std::move(*op);
  copy_padded(in_.at, item.bytes.data(), length);
  in_.at += length;
  in_.head = item.head;
  in_.end = ordinary ? open_end_ : in_.at;
  return in_.admit(size);
}

bool intake::continues_run(intake_item const& item, std::uint64_t number) const noexcept {
  if (open_.front().runs.empty()) return false;
  intake_batch::run const& last = open_.front().runs.back();
  return last.head == item.head && last.is_task == item.is_task && !last.has_slabs && !item.has_slabs() &&
         last.first + last.count + (admitted() - counted_) == number;
}

void intake::begin_run(intake_item const& item, std::uint64_t number) {
  in_.end = in_.at;  // nothing goes the short way before there is an item of it
  count_run();
  intake_batch& open = open_.front();
  open.runs.push_back({number, 0, item.is_task, item.has_slabs(), item.head});
  if (item.has_slabs()) open.slabs.push_back(std::exchange(*item.slabs, slab_sink()));
}

/// Counts the items of the last run, of which there may be more.
void intake::count_run() noexcept {
  auto& runs = open_.front().runs;
  if (!runs.empty()) runs.back().count += static_cast<std::uint32_t>(admitted() - counted_);
  counted_ = admitted();
}

void intake::open_a_batch(std::size_t length) {
  hand_over();
  if (open_.empty()) {
    std::lock_guard const lock(box_mutex_);
    open_.splice(open_.begin(), spare_, spare_.begin(), spare_.empty() ? spare_.begin() : std::next(spare_.begin()));
  }
  if (open_.empty()) open_.emplace_back();
  std::size_t const size = std::max(batch_size, length);
  buffer& items = open_.front().items;
  items.reserve(size + copy_padding);
  in_.at = in_.end = items.data();
  open_end_ = in_.at + size;
}

/// The open batch, if there is anything in it, goes where the loop thread finds it. Returns whether there was.
bool intake::hand_over() noexcept {
  if (!in_.at || in_.at == open_.front().items.data()) return false;
  count_run();
  buffer& items = open_.front().items;
  items.set_size(static_cast<std::size_t>(in_.at - items.data()));
  {
    std::lock_guard const lock(box_mutex_);
    box_.splice(box_.end(), open_);
  }
  in_.at = in_.end = open_end_ = nullptr;
  return true;
}

/// Returns true if the loop thread is to be woken: it waits for items, and some have come.
bool intake::must_wake() noexcept {
  if (!in_.wanted.load(std::memory_order_relaxed) || !hand_over()) return false;
  in_.wanted.store(false, std::memory_order_relaxed);
  return true;
}

}  // namespace procx::inline v1::detail
