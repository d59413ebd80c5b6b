#pragma once

#include <procx/pipeline/cursor.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>

namespace procx::inline v1 {

/// When a destination commits.
struct commit_options {
  /// As soon as a transaction has that many rows.
  std::size_t rows = 100'000;
  /// As soon as its first batch was written that long ago; 0: each batch is a transaction of its own.
  std::chrono::nanoseconds linger = std::chrono::seconds(1);
};

namespace detail {

/// A `batch_store` without its rows.
class transaction_store {
 public:
  virtual ~transaction_store() = default;
  /// The parts that are done, when it is opened.
  virtual done_parts load() = 0;
  /// Begins a transaction. If somebody else has committed since the last one, `done` is to become what is done now.
  virtual void begin(done_parts& done) = 0;
  /// Commits it, with these changes to the parts that are done, one for each source.
  virtual void commit(std::span<done_parts::change const> changes) = 0;
  virtual void roll_back() noexcept = 0;
  /// After `write` has thrown: whether the transaction is still good.
  virtual bool is_usable() const noexcept = 0;
};

/// A destination without its rows. Thread-safe.
class destination_core {
 public:
  destination_core(std::unique_ptr<transaction_store> store, commit_options const& options);
  destination_core(destination_core const&) = delete;
  destination_core& operator=(destination_core const&) = delete;
  ~destination_core();

  void put(cursor const& from, std::size_t rows, std::function<void()> const& write);
  void finish();
  done_parts done() const;
  std::size_t repeated() const;

 private:
  class state;
  std::unique_ptr<state> state_;
};

}  // namespace detail
}  // namespace procx::inline v1
