#include "stash/storing.hpp"

#include "system/all_signals_blocked.hpp"

#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t most_records = 4096, most_bytes = std::size_t{8} << 20;

}  // namespace

storing::storing(byte_store& into) : into_(into) {
  all_signals_blocked const blocked;
  thread_ = std::thread([this] { run(); });
}

storing::~storing() { end(); }

void storing::add(byte_store::record record) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return failure_ || (waiting_.size() < most_records && waiting_bytes_ < most_bytes); });
  check();
  waiting_bytes_ += record.bytes.size();
  waiting_.push_back(std::move(record));
  if (waiting_.size() == 1) changed_.notify_all();
}

void storing::finish() {
  end();
  check();
}

void storing::end() noexcept {
  if (!thread_.joinable()) return;
  {
    std::lock_guard const lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void storing::check() const {
  if (failure_) std::rethrow_exception(failure_);
}

void storing::run() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto const records = std::exchange(waiting_, {});
    waiting_bytes_ = 0;
    lock.unlock();
    changed_.notify_all();
    std::exception_ptr failure;
    try {
      into_.put(records);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) {
      failure_ = failure;
      waiting_.clear();
      changed_.notify_all();
      return;
    }
  }
}

}  // namespace procx::inline v1::detail
