#pragma once

#include "system/descriptor.hpp"

#include <procx/detail/pipeline/result_block.hpp>
#include <procx/detail/wire/value_series.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

/// The results of a pipeline that were not read yet, and what went wrong instead of one, in their order. What is more than
/// stays in memory goes to a file that has no name, in records with a checksum (CRC-32), and comes back from there. Thread-safe;
/// the loop thread adds.
class result_store {
 public:
  explicit result_store(std::size_t bytes_in_memory) : most_(bytes_in_memory) {}
  result_store(result_store const&) = delete;
  result_store& operator=(result_store const&) = delete;

  void add_values(value_series const& values);
  /// Values behind their lengths.
  void add_parts(std::span<std::byte const> parts, std::size_t count);
  void add_error(std::exception_ptr error);
  /// After a number of the above: readers that wait look again.
  void publish();
  /// There will be no more.
  void end();

  /// The next results, as many as there are in one piece; waits for them. False at the end. Throws error if the file has been
  /// damaged.
  bool take(result_block& into);
  /// One result for this taker, as soon as there is one; those who wait are served in turn. A number for `cancel`.
  std::uint64_t async_take(std::unique_ptr<result_taker>&& taker);
  /// It completes with operation_aborted, if it still waits.
  void cancel(std::uint64_t number);
  /// What was not read of a block, to be read next.
  void give_back(result_block block);
  std::size_t size() const;

 private:
  struct spilled {
    std::uint64_t offset;
    std::size_t size;
    std::uint32_t checksum;
  };
  struct stored_block {
    result_block block;
    std::optional<spilled> in_file = {};  // its bytes are there
  };
  static constexpr std::size_t block_size = 64 * 1024;

  struct waiting_taker {
    std::uint64_t number;
    std::unique_ptr<result_taker> taker;
  };

  void serve();
  bool next(buffer& value, std::exception_ptr& error);
  void close_open_block();
  void spill(stored_block& b) noexcept;
  void load(stored_block& b);

  std::size_t const most_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable news_;
  result_block open_;
  std::deque<stored_block> blocks_;
  std::size_t in_memory_ = 0;  // bytes of them
  std::size_t count_ = 0;      // results
  bool has_news_ = false;      // some that readers were not told of
  buffer spare_;               // for the next block
  bool ended_ = false;
  std::deque<waiting_taker> waiting_;
  std::uint64_t numbers_ = 0;
  descriptor file_;
  std::uint64_t file_end_ = 0;
};

}  // namespace procx::inline v1::detail
