#include "pool/queue_entrance.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

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
constexpr std::size_t spare_at_most = 16;      // pieces of memory
constexpr std::size_t kept_of_batch = 4 * batch_size;

}  // namespace

queue_entrance::queue_entrance(limits const& l, std::size_t frame_limit, queue_counts& counts, std::function<void()> wake)
    : limits_(l), counts_(counts), wake_(std::move(wake)) {
  in_.frame_limit = frame_limit;
}

std::uint64_t queue_entrance::put(queue_item const& item, deadline until) {
  std::uint64_t index = 0;
  std::size_t const size = item.size();
  {
    std::unique_lock lock(in_.mutex);
    if (stopped_) [[unlikely]] {
      refuse();
      return queue_core::no_place;
    }
    if ((!waiting_.empty() || !has_room(size)) && !wait_for_room(lock, size, until)) return queue_core::no_place;
    index = add(item);
    if (!must_wake()) return index;
  }
  wake_();
  return index;
}

std::uint64_t queue_entrance::async_put(queue_item const& item, std::unique_ptr<operation>&& op) {
  finished_ops done;
  std::uint64_t number = 0;
  bool wakes = false;
  {
    biased_mutex::visit const visit(in_.mutex);
    number = ++numbers_;
    waiting_.push_back({number, stored_item(item), nullptr});
    waiting_.back().op = std::move(op);  // there is memory for it
    serve(done);
    wakes = must_wake();
  }
  finish(done);
  if (wakes) wake_();
  return number;
}

void queue_entrance::cancel(std::uint64_t number) {
  finished_ops done;
  {
    biased_mutex::visit const visit(in_.mutex);
    auto const at = std::ranges::find(waiting_, number, &waiting_put::number);
    if (at == waiting_.end()) return;
    done.emplace_back(std::move(at->op), std::make_exception_ptr(
                                             boost::system::system_error(boost::asio::error::operation_aborted)));
    waiting_.erase(at);
  }
  finish(done);
  room_made();  // for the next one, which may be smaller
}

void queue_entrance::room_made() {
  counts_.producers_wait_for.store(queue_counts::nobody);
  counts_.producers_wait_for_bytes.store(false);
  told_.tell();
  if (waiting_puts_.load() > 0) serve_waiting();
}

std::optional<std::uint64_t> queue_entrance::stop(bool left) {
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
  told_.tell();
  finish(done);
  return all;
}

bool queue_entrance::take(std::list<queue_batch>& to, bool sleeps) {
  if (take_box(to)) return true;
  if (!sleeps || in_.wanted.load()) return false;  // if it waits already, nothing has come since
  biased_mutex::visit const visit(in_.mutex);
  hand_over();
  if (take_box(to)) return true;
  in_.wanted.store(true, std::memory_order_relaxed);
  return false;
}

bool queue_entrance::take_box(std::list<queue_batch>& to) {
  std::lock_guard const lock(box_mutex_);
  if (box_.empty()) return false;
  to.splice(to.end(), box_);
  return true;
}

void queue_entrance::give_back(buffer memory) {
  if (memory.capacity() == 0 || memory.capacity() > kept_of_batch) return;
  memory.clear();
  std::lock_guard const lock(box_mutex_);
  if (spare_.size() < spare_at_most) spare_.push_back(std::move(memory));
}

/// Looks at the counters only if there was no room when it last did: consumers write them all the time.
bool queue_entrance::has_room(std::size_t bytes) noexcept {
  if (in_.had_room(bytes)) return true;
  std::uint64_t const taken = counts_.taken.load();
  in_.items_until = taken + limits_.items;
  if (taken == admitted()) return true;  // alone, whatever its size
  std::uint64_t const room = limits_.bytes - std::min<std::uint64_t>(bytes_kept(), limits_.bytes);
  // No further than to where results may have come meanwhile.
  in_.bytes_until = in_.bytes_in + std::min<std::uint64_t>(room, std::max<std::size_t>(limits_.bytes / 16, bytes));
  return in_.had_room(bytes);
}

/// Bytes may go with every item that is taken, and when a task is over.
void queue_entrance::ask_to_be_told(std::uint64_t when_taken, std::size_t bytes) noexcept {
  counts_.producers_wait_for.store(std::min(when_taken, counts_.producers_wait_for.load()));
  if (bytes_kept() + bytes > limits_.bytes) counts_.producers_wait_for_bytes.store(true);
}

std::uint64_t queue_entrance::bytes_kept() const noexcept {
  return in_.bytes_in - counts_.argument_bytes_over.load() + counts_.result_bytes_kept();
}

/// A producer that stops its own queue, or another's, knows of it; one whose consumer leaves does not.
void queue_entrance::refuse() {
  if (!left_) throw queue_stopped();
  ++refused_;
}

/// Others may come by meanwhile. False if time runs out or the consumer leaves; throws queue_stopped.
bool queue_entrance::wait_for_room(std::unique_lock<biased_mutex>& lock, std::size_t bytes, deadline until) {
  deadline makes_do = queue_core::never;  // with the little room there is
  bool make_sure = false;
  for (;;) {
    // First asks, then looks: what is taken in between is seen here or told.
    std::uint64_t const told = told_.now();
    bool const little = makes_do != queue_core::never;
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
    if (!room) makes_do = queue_core::never;

    hand_over();  // or the pool's thread would have to come for it
    lock.unlock();
    make_sure = !told_.wait_beyond(told, std::min({makes_do, until, make_sure ? queue_core::never : now + unsure}));
    lock.lock();
    if (stopped_) {
      refuse();
      return false;
    }
  }
}

std::uint64_t queue_entrance::add(queue_item const& item) {
  std::size_t const length = item.bytes.size(), size = item.size();
  bool const ordinary = item.is_task && !item.has_slabs();
  if (static_cast<std::size_t>(open_end_ - in_.at) < length) [[unlikely]] open_a_batch(length);
  if (!continues_kind(item)) [[unlikely]] begin_kind(item);
  copy_padded(in_.at, item.bytes.data(), length);
  in_.at += length;
  in_.head = item.head;
  in_.end = ordinary ? open_end_ : in_.at;
  return in_.admit(size);
}

bool queue_entrance::continues_kind(queue_item const& item) const noexcept {
  if (open_.front().kinds.empty()) return false;
  queue_batch::kind const& last = open_.front().kinds.back();
  return last.head == item.head && last.is_task == item.is_task && !last.has_slabs && !item.has_slabs();
}

void queue_entrance::begin_kind(queue_item const& item) {
  in_.end = in_.at;  // nothing goes the short way before there is an item of it
  count_kind();
  queue_batch& open = open_.front();
  open.kinds.push_back({item.is_task, item.has_slabs(), 0, item.head});
  if (item.has_slabs()) open.slabs.push_back(std::exchange(*item.slabs, slab_sink()));
}

/// Counts the items of the last kind, of which there may be more.
void queue_entrance::count_kind() noexcept {
  auto& kinds = open_.front().kinds;
  if (!kinds.empty()) kinds.back().count += static_cast<std::uint32_t>(admitted() - counted_);
  counted_ = admitted();
}

void queue_entrance::open_a_batch(std::size_t length) {
  hand_over();
  buffer memory;
  {
    std::lock_guard const lock(box_mutex_);
    if (!spare_.empty()) {
      memory = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  std::size_t const size = std::max(batch_size, length);
  memory.reserve(size + copy_padding);
  if (open_.empty()) open_.emplace_back();
  open_.front().items = std::move(memory);
  in_.at = in_.end = open_.front().items.data();
  open_end_ = in_.at + size;
}

/// The open batch, if there is anything in it, goes where the pool's thread finds it. Whether there was.
bool queue_entrance::hand_over() noexcept {
  if (open_.empty() || in_.at == open_.front().items.data()) return false;
  count_kind();
  buffer& items = open_.front().items;
  items.set_size(static_cast<std::size_t>(in_.at - items.data()));
  {
    std::lock_guard const lock(box_mutex_);
    box_.splice(box_.end(), open_);
  }
  in_.at = in_.end = open_end_ = nullptr;
  return true;
}

/// Whether the pool's thread is to be woken: it waits for items, and some have come.
bool queue_entrance::must_wake() noexcept {
  if (!in_.wanted.load(std::memory_order_relaxed) || !hand_over()) return false;
  in_.wanted.store(false, std::memory_order_relaxed);
  return true;
}

void queue_entrance::serve_waiting() {
  finished_ops done;
  bool wakes = false;
  {
    biased_mutex::visit const visit(in_.mutex);
    serve(done);
    wakes = must_wake();
  }
  finish(done);
  if (wakes) wake_();
}

/// Those who wait asynchronously, as far as there is room. If there is not, nobody passes them by on the short way.
void queue_entrance::serve(finished_ops& done) {
  waiting_puts_.store(waiting_.size());  // first: room that is made from now on is told
  while (!waiting_.empty()) {
    waiting_put& w = waiting_.front();
    if (stopped_) {
      done.emplace_back(std::move(w.op), std::make_exception_ptr(queue_stopped()));
    } else {
      queue_item const& item = *w.item;
      if (!has_room(item.size())) {
        ask_to_be_told(counts_.taken.load() + 1, item.size());
        static_cast<void>(counts_.taken_now());
        if (!has_room(item.size())) {
          in_.end = in_.at;
          return;
        }
      }
      add(item);
      done.emplace_back(std::move(w.op), nullptr);
    }
    waiting_.pop_front();
    waiting_puts_.store(waiting_.size());
  }
}

void queue_entrance::finish(finished_ops& done) {
  if (done.empty()) return;
  told_.tell();  // there may be room for them, who came later
  for (auto& [op, error] : done) op->complete({std::move(error), {}});
}

}  // namespace procx::inline v1::detail
