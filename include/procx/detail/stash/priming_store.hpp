#pragma once

#include <procx/error/exception_record.hpp>
#include <procx/stash/stash.hpp>
#include <procx/stash/stash_options.hpp>

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// A stash's store in front of another one, which has values computed before they are asked for. Thread-safe; one thread
/// computes, and those that need what it computes wait.
class priming_store : public byte_store {
 public:
  priming_store(std::unique_ptr<any_stash> delegate, stash_options const& options);

  found get(record_kind kind, std::string const& key, std::vector<std::byte>& bytes) override;
  void put(std::span<record const> records) override;
  bool erase(record_kind kind, std::string const& key) override;
  bool exists(record_kind kind, std::string const& key) override;
  std::vector<std::string> keys(record_kind kind) override;
  std::size_t count(record_kind kind) override;
  void clear() override;

  /// Computes what is missing, unless that is known to be nothing.
  void prime();
  /// What is missing is to be looked for again.
  void invalidate() noexcept { primed_ = false; }
  /// How many values have been computed and stored here.
  std::size_t computed() const noexcept { return computed_; }

 protected:
  /// The right to compute, while it lives.
  class turn {
   public:
    /// Waits for it. Throws sequence_error if this thread has it already, or the process was forked from one that has the stash.
    explicit turn(priming_store& of);
    turn(turn const&) = delete;
    turn& operator=(turn const&) = delete;
    ~turn() { of_.computing_ = std::thread::id(); }

   private:
    priming_store& of_;
    std::unique_lock<std::mutex> lock_;
  };

  byte_store& below() noexcept { return delegate_->storage(); }

  /// All under the right to compute.
  virtual void compute_missing() = 0;
  /// Computes the value of a key that is damaged; false if it is none of those computed here.
  virtual bool compute_again(std::string const& key) = 0;
  virtual void clear_source() = 0;

  stash_options const options_;
  std::atomic<std::size_t> computed_ = 0;

 private:
  std::unique_ptr<any_stash> const delegate_;
  unsigned const generation_;
  std::mutex mutex_;  // held by a turn
  std::atomic<std::thread::id> computing_ = std::thread::id();
  std::atomic<bool> primed_ = false;
};

/// What a factory is without its type.
class key_source {
 public:
  virtual ~key_source() = default;
  virtual std::vector<std::string> keys() const = 0;
  /// The encoded value, made in a worker.
  virtual std::vector<std::byte> compute(std::string const& key) const = 0;
  virtual void clear() = 0;
};

/// Computes the values of those keys of a source that have none.
class keyed_store final : public priming_store {
 public:
  /// keep_failures: a key that has failed is noted, and not computed again before it is asked for. Otherwise a failure is thrown
  /// when all else has been computed and stored.
  keyed_store(std::unique_ptr<any_stash> delegate, std::unique_ptr<key_source> source, stash_options const& options,
              bool keep_failures);

  std::map<std::string, exception_record> failures();
  std::set<std::string> reprocess_failures();

 private:
  void compute_missing() override;
  bool compute_again(std::string const& key) override;
  void clear_source() override { source_->clear(); }
  std::vector<std::string> failed_keys();
  std::set<std::string> compute(std::vector<std::string> const& keys);

  std::unique_ptr<key_source> const source_;
  bool const keep_failures_;
};

/// Data that are made here, and become values in workers, some at a time.
class data_source {
 public:
  using values = std::vector<std::pair<std::string, std::vector<std::byte>>>;

  virtual ~data_source() = default;
  /// Makes the data; how many there are.
  virtual std::size_t create() = 0;
  /// The values of some of them, made in a worker.
  virtual values process(std::size_t first, std::size_t count) const = 0;
  virtual void release() noexcept = 0;
};

/// Computes all values of a source, unless that has been done.
class data_store final : public priming_store {
 public:
  data_store(std::unique_ptr<any_stash> delegate, std::unique_ptr<data_source> source, stash_options const& options);

 private:
  void compute_missing() override;
  bool compute_again(std::string const&) override { return false; }
  void clear_source() override {}

  std::unique_ptr<data_source> const source_;
};

}  // namespace procx::inline v1::detail
