#include "pipeline/result_store.hpp"

#include "system/generation.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/asio/error.hpp>
#include <boost/crc.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

std::uint32_t checksum_of(std::span<std::byte const> bytes) {
  boost::crc_32_type sum;
  sum.process_bytes(bytes.data(), bytes.size());
  return sum.checksum();
}

/// None if none may be made.
descriptor open_unlinked_file() noexcept {
  try {
    std::string const directory = std::filesystem::temp_directory_path();
    auto const held = hold_forks();  // a descriptor comes into being
    int const fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) return descriptor::take(fd, "file of results");
    std::string name = directory + "/procx-XXXXXX";
    int const named = ::mkostemp(name.data(), O_CLOEXEC);
    if (named < 0) return {};
    ::unlink(name.c_str());
    return descriptor::take(named, "file of results");
  } catch (...) {
    return {};
  }
}

}  // namespace

void result_store::add_values(value_series const& values) {
  std::lock_guard const lock(mutex_);
  for (value_series left = values; left.count > 0;) {
    std::size_t const room = block_size - std::min(block_size, open_.bytes.size());
    std::size_t const fit = std::min(left.count, room / (sizeof(std::uint64_t) + left.length) + 1);
    open_.add(left.front(fit));
    left.drop_front(fit);
    if (open_.bytes.size() >= block_size) close_open_block();
  }
  count_ += values.count;
  has_news_ = true;
}

void result_store::add_parts(std::span<std::byte const> parts, std::size_t count) {
  std::lock_guard const lock(mutex_);
  open_.bytes.append(parts.data(), parts.size());
  open_.count += count;
  count_ += count;
  has_news_ = true;
  if (open_.bytes.size() >= block_size) close_open_block();
}

void result_store::add_error(std::exception_ptr error) {
  std::lock_guard const lock(mutex_);
  open_.add(std::move(error));
  ++count_;
  has_news_ = true;
}

void result_store::publish() {
  {
    std::lock_guard const lock(mutex_);
    if (!std::exchange(has_news_, false)) return;
  }
  news_.notify_all();
  serve();
}

std::uint64_t result_store::async_take(std::unique_ptr<result_taker>&& taker) {
  std::uint64_t number = 0;
  {
    std::lock_guard const lock(mutex_);
    waiting_.push_back({number = ++numbers_, nullptr});
    waiting_.back().taker = std::move(taker);  // there is memory for it
  }
  serve();
  return number;
}

void result_store::cancel(std::uint64_t number) {
  std::unique_ptr<result_taker> cancelled;
  {
    std::lock_guard const lock(mutex_);
    auto const at = std::ranges::find(waiting_, number, &waiting_taker::number);
    if (at == waiting_.end()) return;
    cancelled = std::move(at->taker);
    waiting_.erase(at);
  }
  fail(*cancelled, std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted)));
}

/// Gives results to those who wait asynchronously. They run code of the user's: not under the lock.
void result_store::serve() {
  for (;;) {
    std::unique_ptr<result_taker> taker;
    buffer value;
    std::exception_ptr error;
    bool has_value = false;
    {
      std::lock_guard const lock(mutex_);
      if (waiting_.empty()) return;
      try {
        has_value = next(value, error);
      } catch (...) {
        error = std::current_exception();
      }
      if (!has_value && !error && !ended_) return;
      taker = std::move(waiting_.front().taker);
      waiting_.pop_front();
    }
    std::span<std::byte const> const bytes(value.data(), value.size());
    taker->complete(std::move(error), has_value ? &bytes : nullptr);
  }
}

/// Takes one result off; false if there is none, or it is an error. Under the lock.
bool result_store::next(buffer& value, std::exception_ptr& error) {
  if (!blocks_.empty() && blocks_.front().in_file) load(blocks_.front());
  result_block& from = blocks_.empty() ? open_ : blocks_.front().block;
  if (from.empty()) return false;
  auto const bytes = from.take(error);
  if (!error) value.append(bytes.data(), bytes.size());
  --count_;
  if (from.empty()) {
    if (blocks_.empty()) {
      open_ = {};
    } else {
      in_memory_ -= from.bytes.size();
      blocks_.pop_front();
    }
  }
  return !error;
}

void result_store::end() {
  {
    std::lock_guard const lock(mutex_);
    ended_ = true;
  }
  news_.notify_all();
  serve();
}

std::size_t result_store::size() const {
  std::lock_guard const lock(mutex_);
  return count_;
}

/// Under the lock, as what follows.
void result_store::close_open_block() {
  if (open_.empty()) return;
  in_memory_ += open_.bytes.size();
  blocks_.push_back({std::exchange(open_, {.bytes = std::exchange(spare_, {})})});
  if (in_memory_ > most_) spill(blocks_.back());
}

/// Without a file, or room in it, they stay in memory.
void result_store::spill(stored_block& b) noexcept {
  if (!file_) file_ = open_unlinked_file();
  if (!file_) return;
  std::span<std::byte const> const all(b.block.bytes.data(), b.block.bytes.size());
  for (std::size_t done = 0; done < all.size();) {
    ssize_t const n = ::pwrite(file_.get(), all.data() + done, all.size() - done, static_cast<off_t>(file_end_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    done += static_cast<std::size_t>(n);
  }
  b.in_file = {file_end_, all.size(), checksum_of(all)};
  file_end_ += all.size();
  in_memory_ -= all.size();
  b.block.bytes.release();
}

void result_store::load(stored_block& b) {
  auto const [offset, size, checksum] = *b.in_file;
  buffer bytes;
  std::byte* const to = bytes.extend(size);
  for (std::size_t done = 0; done < size;) {
    ssize_t const n = ::pread(file_.get(), to + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw protocol_error("the file with a pipeline's results cannot be read");
    done += static_cast<std::size_t>(n);
  }
  if (checksum_of(bytes) != checksum) throw protocol_error("the file with a pipeline's results has been damaged");
  b.block.bytes.swap(bytes);
  b.in_file.reset();
  in_memory_ += size;
}

bool result_store::take(result_block& into) {
  std::unique_lock lock(mutex_);
  news_.wait(lock, [this] { return !blocks_.empty() || !open_.empty() || ended_; });
  if (into.bytes.capacity() > spare_.capacity()) {
    spare_.swap(into.bytes);
    spare_.clear();
  }
  if (blocks_.empty()) {
    into = std::exchange(open_, {});
    count_ -= into.count;
    return !into.empty();
  }
  if (blocks_.front().in_file) load(blocks_.front());
  into = std::move(blocks_.front().block);
  blocks_.pop_front();
  in_memory_ -= into.bytes.size();
  count_ -= into.count;
  if (blocks_.empty() && file_ && file_end_ > 0 && ::ftruncate(file_.get(), 0) == 0) file_end_ = 0;
  return true;
}

void result_store::give_back(result_block block) {
  if (block.empty()) return;
  {
    std::lock_guard const lock(mutex_);
    count_ += block.count;
    in_memory_ += block.bytes.size();
    blocks_.push_front({std::move(block)});
  }
  news_.notify_all();
  serve();
}

}  // namespace procx::inline v1::detail
