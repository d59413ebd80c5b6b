#pragma once

#include <procx/stash/byte_store.hpp>

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace procx::inline v1::detail {

/// Puts records into a store while others are being made: on a thread of its own, which takes all that has come whenever it
/// has put what came before. So records are put together as they come faster than the store takes them, and none waits for
/// another to come.
class storing {
 public:
  explicit storing(byte_store& into);
  storing(storing const&) = delete;
  storing& operator=(storing const&) = delete;
  /// Waits until all is in the store, or the store has failed.
  ~storing();

  /// Waits while there is too much. Throws what the store has thrown.
  void add(byte_store::record record);
  /// Waits until all is in the store. Throws what the store has thrown. Nothing may be added after it.
  void finish();

 private:
  void run() noexcept;
  void end() noexcept;
  void check() const;

  byte_store& into_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<byte_store::record> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::exception_ptr failure_;
  bool ending_ = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace procx::inline v1::detail
