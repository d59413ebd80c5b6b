#include <procx/detail/pipeline/destination_core.hpp>

#include "pipeline/done_changes.hpp"
#include "system/all_signals_blocked.hpp"
#include "system/generation.hpp"

#include <procx/error/exceptions.hpp>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace procx::inline v1::detail {

using clock = std::chrono::steady_clock;

class destination_core::state {
 public:
  state(std::unique_ptr<transaction_store> store, commit_options const& options)
      : store_(std::move(store)), options_(options), done_(store_->load()) {}
  ~state() {
    {
      std::lock_guard const lock(mutex_);
      leaving_ = true;
    }
    news_.notify_all();
    if (timer_.joinable()) timer_.join();
    if (committing_at_) try {
        commit();
      } catch (...) {
        // Nobody is there to be told. Another run does it again.
      }
  }

  bool is_foreign() const noexcept { return generation_ != generation(); }
  /// Before the lock: whoever forked may have held it.
  void check_process() const {
    if (is_foreign())
      throw error(errc::foreign_process, "a destination belongs to the process that has made it: its stage runs there with .here = true");
  }

  void put(cursor const& from, std::size_t rows, std::function<void()> const& write) {
    std::lock_guard const lock(mutex_);
    check_broken();
    if (!committing_at_) begin();
    try {
      if (done_.contains(from)) {
        ++repeated_;
      } else {
        if (done_.overlaps(from)) static_cast<void>(done_.add(from));  // throws
        write();
        changes_.add(done_.add(from));
        rows_ += rows;
      }
    } catch (...) {
      if (!store_->is_usable())
        break_down();
      else if (is_alone())
        end_transaction(), store_->roll_back();
      throw;
    }
    // The timer alone would not do: it may not get the lock while batches come without a pause.
    if (rows_ >= options_.rows || is_alone() || clock::now() >= *committing_at_) commit();
  }
  void finish() {
    std::lock_guard const lock(mutex_);
    check_broken();
    if (committing_at_) commit();
  }
  done_parts done() const {
    std::lock_guard const lock(mutex_);
    return done_;
  }
  std::size_t repeated() const {
    std::lock_guard const lock(mutex_);
    return repeated_;
  }

 private:
  void check_broken() const {
    if (broken_) std::rethrow_exception(broken_);
  }
  void begin() {
    try {
      store_->begin(done_);
    } catch (...) {
      break_down();
      throw;
    }
    committing_at_ = clock::now() + options_.linger;
    if (!is_alone()) start_timer();
  }
  void commit() {
    try {
      store_->commit(changes_.all());
    } catch (...) {
      break_down();
      throw;
    }
    end_transaction();
  }
  void end_transaction() noexcept {
    committing_at_.reset();
    changes_.clear();
    rows_ = 0;
  }
  /// Each batch is a transaction.
  bool is_alone() const noexcept { return options_.linger.count() <= 0; }
  /// For good: what was written in this transaction is lost, and its parts are not done.
  void break_down() noexcept {
    broken_ = std::current_exception();
    end_transaction();
    store_->roll_back();
  }

  void start_timer() {
    if (!timer_.joinable()) {
      all_signals_blocked const blocked;
      timer_ = std::thread([this] { commit_in_time(); });
    }
    news_.notify_all();
  }
  void commit_in_time() {
    std::unique_lock lock(mutex_);
    while (!leaving_) {
      if (!committing_at_)
        news_.wait(lock);
      else if (clock::now() < *committing_at_)
        news_.wait_until(lock, *committing_at_);
      else
        try {
          commit();
        } catch (...) {
          // The next call throws it.
        }
    }
  }

  unsigned const generation_ = generation();
  std::unique_ptr<transaction_store> const store_;
  commit_options const options_;
  mutable std::mutex mutex_;  // guards what follows, and the store
  std::condition_variable news_;
  done_parts done_;
  std::optional<clock::time_point> committing_at_;  // there is a transaction
  done_changes changes_;                            // in it
  std::size_t rows_ = 0;                            // likewise
  std::size_t repeated_ = 0;
  std::exception_ptr broken_;
  bool leaving_ = false;
  std::thread timer_;
};

destination_core::destination_core(std::unique_ptr<transaction_store> store, commit_options const& options)
    : state_(std::make_unique<state>(std::move(store), options)) {}

destination_core::~destination_core() {
  if (state_->is_foreign()) static_cast<void>(state_.release());  // its threads, locks and files are another process's
}

void destination_core::put(cursor const& from, std::size_t rows, std::function<void()> const& write) {
  state_->check_process();
  state_->put(from, rows, write);
}
void destination_core::finish() {
  state_->check_process();
  state_->finish();
}
done_parts destination_core::done() const {
  state_->check_process();
  return state_->done();
}
std::size_t destination_core::repeated() const {
  state_->check_process();
  return state_->repeated();
}

}  // namespace procx::inline v1::detail
