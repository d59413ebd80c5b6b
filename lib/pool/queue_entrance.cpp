#include "pool/queue_entrance.hpp"

#include "pool/short_mutex.hpp"

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

constexpr std::size_t batch_size = 48 * 1024;  // a new one is begun rather than to make one larger
constexpr std::size_t spare_at_most = 16;      // pieces of memory
constexpr std::size_t kept_of_batch = 4 * batch_size;

}  // namespace

queue_entrance::queue_entrance(limits const& l, queue_counts& counts, std::function<void()> wake)
    : limits_(l), counts_(counts), wake_(std::move(wake)) {}

std::uint64_t queue_entrance::put(queue_item const& item, deadline until) {
  std::uint64_t index = 0;
  std::size_t const size = item.size();
  {
    std::unique_lock lock(mutex_);
    if (stopped_) [[unlikely]] throw queue_stopped();
    if ((!waiting_.empty() || !has_room(size)) && !wait_for_room(lock, size, until)) return queue_core::no_place;
    index = admitted_;
    add(item, size);
    if (!must_wake()) return index;
  }
  wake_();
  return index;
}

std::uint64_t queue_entrance::async_put(queue_item const& item, std::unique_ptr<operation> op) {
  finished_ops done;
  std::uint64_t number = 0;
  bool wakes = false;
  {
    std::lock_guard const lock(mutex_);
    number = ++numbers_;
    waiting_.push_back({number, stored_item(item), std::move(op)});
    std::uint64_t const before = admitted_;
    serve(done);
    wakes = admitted_ != before && must_wake();
  }
  finish(done);
  if (wakes) wake_();
  return number;
}

void queue_entrance::cancel(std::uint64_t number) {
  finished_ops done;
  {
    std::lock_guard const lock(mutex_);
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
  finished_ops done;
  bool wakes = false, blocked = false;
  {
    std::lock_guard const lock(mutex_);
    counts_.producers_wait_for.store(queue_counts::nobody);
    counts_.producers_wait_for_bytes.store(false);
    std::uint64_t const before = admitted_;
    serve(done);
    wakes = admitted_ != before && must_wake();
    blocked = blocked_ > 0;
  }
  if (blocked) has_room_.notify_all();  // without the lock, which they need
  finish(done);
  if (wakes) wake_();
}

std::optional<std::uint64_t> queue_entrance::stop() {
  finished_ops done;
  std::uint64_t all = 0;
  {
    std::lock_guard const lock(mutex_);
    if (std::exchange(stopped_, true)) return std::nullopt;
    all = admitted_;
    serve(done);
    if (blocked_) has_room_.notify_all();
  }
  finish(done);
  return all;
}

std::uint64_t queue_entrance::admitted() const {
  std::lock_guard const lock(mutex_);
  return admitted_;
}

bool queue_entrance::take(std::deque<queue_batch>& to, bool sleeps) {
  std::lock_guard const lock(mutex_);
  if (box_.empty()) {
    awake_ = !sleeps;
    return false;
  }
  for (; !box_.empty(); box_.pop_front()) to.push_back(std::move(box_.front()));
  open_ = nullptr;
  last_ = nullptr;
  return true;
}

void queue_entrance::give_back(buffer memory) {
  if (memory.capacity() == 0 || memory.capacity() > kept_of_batch) return;
  memory.clear();
  std::lock_guard const lock(mutex_);
  if (spare_.size() < spare_at_most) spare_.push_back(std::move(memory));
}

/// Looks at the counters only if there was no room when it last did: consumers write them all the time.
bool queue_entrance::has_room(std::size_t bytes) noexcept {
  if (had_room(bytes)) return true;
  std::uint64_t const taken = counts_.taken.load();
  items_until_ = taken + limits_.items;
  if (taken == admitted_) return true;  // alone, whatever its size
  std::uint64_t const room = limits_.bytes - std::min<std::uint64_t>(bytes_kept(), limits_.bytes);
  // No further than to where results may have come meanwhile.
  bytes_until_ = bytes_in_ + std::min<std::uint64_t>(room, std::max<std::size_t>(limits_.bytes / 16, bytes));
  return had_room(bytes);
}

/// Bytes may go with every item that is taken, and when a task is over.
void queue_entrance::ask_to_be_told(std::uint64_t when_taken, std::size_t bytes) noexcept {
  counts_.producers_wait_for.store(std::min(when_taken, counts_.producers_wait_for.load()));
  if (bytes_kept() + bytes > limits_.bytes) counts_.producers_wait_for_bytes.store(true);
  static_cast<void>(counts_.taken_now());
}

std::uint64_t queue_entrance::bytes_kept() const noexcept {
  return bytes_in_ - counts_.argument_bytes_over.load() + counts_.result_bytes_kept();
}

bool queue_entrance::wait_for_room(std::unique_lock<short_mutex>& lock, std::size_t bytes, deadline until) {
  deadline makes_do = queue_core::never;  // with the little room there is
  for (;;) {
    // First asks, then looks: what is taken in between is seen here or told.
    bool const little = makes_do != queue_core::never;
    std::uint64_t const taken = counts_.taken.load();
    std::uint64_t const enough = admitted_ + much_room();
    ask_to_be_told(little ? enough - std::min<std::uint64_t>(enough, limits_.items) : taken + 1, bytes);
    items_until_ = bytes_until_ = 0;
    bool const room = waiting_.empty() && has_room(bytes);
    auto const now = clock::now();
    if (room && (items_until_ - admitted_ >= much_room() || now >= std::min(makes_do, until))) return true;
    if (now >= until) return false;
    if (room && !little) {
      makes_do = now + linger;
      continue;
    }
    if (!room) makes_do = queue_core::never;

    ++blocked_;
    deadline const next = std::min(makes_do, until);
    if (next == queue_core::never)
      has_room_.wait(lock);
    else
      has_room_.wait_until(lock, next);
    --blocked_;
    if (stopped_) throw queue_stopped();
  }
}

void queue_entrance::add(queue_item const& item, std::size_t size) {
  std::size_t const length = item.bytes.size();
  if (!open_ || open_->items.size() + length > batch_size) [[unlikely]] open_a_batch(length);
  bool const alike = last_ && last_->head == item.head && last_->is_task == item.is_task;
  if (!alike || last_->has_slabs || item.has_slabs()) [[unlikely]] add_other(item);
  copy_padded(open_->items.extend(length), item.bytes.data(), length);
  ++last_->count;
  ++admitted_;
  bytes_in_ += size;
}

// These two are not inline: what they need of registers would be saved for each item.
[[gnu::noinline]] void queue_entrance::add_other(queue_item const& item) {
  last_ = &open_->kinds.emplace_back(queue_batch::kind{item.is_task, item.has_slabs(), 0, item.head});
  if (item.has_slabs()) open_->slabs.push_back(std::exchange(*item.slabs, slab_sink()));
}

[[gnu::noinline]] void queue_entrance::open_a_batch(std::size_t length) {
  buffer memory;
  if (!spare_.empty()) {
    memory = std::move(spare_.back());
    spare_.pop_back();
  }
  memory.reserve(std::max(batch_size, length) + copy_padding);  // first: no batch is open that has not so much
  open_ = &box_.emplace_back();
  open_->items = std::move(memory);
  last_ = nullptr;
}

/// Those who wait asynchronously, as far as there is room.
void queue_entrance::serve(finished_ops& done) {
  while (!waiting_.empty()) {
    waiting_put& w = waiting_.front();
    if (stopped_) {
      done.emplace_back(std::move(w.op), std::make_exception_ptr(queue_stopped()));
    } else {
      queue_item const& item = *w.item;
      if (!has_room(item.size())) {
        ask_to_be_told(counts_.taken.load() + 1, item.size());
        if (!has_room(item.size())) return;
      }
      add(item, item.size());
      done.emplace_back(std::move(w.op), nullptr);
    }
    waiting_.pop_front();
  }
}

void queue_entrance::finish(finished_ops& done) {
  for (auto& [op, error] : done) op->complete({std::move(error), {}});
}

}  // namespace procx::inline v1::detail
