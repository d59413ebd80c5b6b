#pragma once

#include "process/nursery.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// A nursery whose answers are waited for on a loop, so that nothing there blocks.
class nursery_link : public std::enable_shared_from_this<nursery_link> {
 public:
  /// `guarded` runs what is called from handlers.
  using guard = std::function<void(std::function<void()> const&)>;

  /// `knows`: how many callables its children know.
  nursery_link(boost::asio::any_io_executor const& executor, std::shared_ptr<nursery> n, std::uint32_t knows, guard guarded);
  ~nursery_link();
  nursery_link(nursery_link const&) = delete;
  nursery_link& operator=(nursery_link const&) = delete;

  std::size_t users = 0;  ///< workers that come from it, and such that are on their way

  bool alive() const noexcept { return nursery_->alive(); }
  std::uint32_t knows() const noexcept { return knows_; }
  /// See `nursery::order`. `then` is called in a handler.
  void order(std::span<std::byte const> message, std::vector<descriptor> descriptors, captured what, nursery::told then);
  /// See `nursery::spawn`: blocks.
  std::unique_ptr<process_state> spawn(std::span<std::byte const> message, std::vector<descriptor> descriptors, captured what) {
    return nursery_->spawn(message, std::move(descriptors), what);
  }
  /// The next time that there is something to hear, it is heard, and then this is called, in a handler.
  void when_heard(std::function<void()> then);
  /// Waits for nothing but answers.
  void rest();
  /// Ends it: `then` when it has gone, in a handler or at once.
  void leave(std::function<void()> then);
  /// Waits for nothing any more.
  void release() noexcept;

 private:
  bool foreign() const noexcept;
  void watch();
  void on_news();
  void watch_time();
  void look_if_late();
  bool waits() const { return nursery_->has_orders() || !hearers_.empty(); }
  void watch_process();
  void on_process();

  unsigned generation_;
  std::shared_ptr<nursery> nursery_;
  std::uint32_t knows_;
  guard guarded_;
  boost::asio::posix::stream_descriptor control_;
  boost::asio::posix::stream_descriptor pidfd_;
  boost::asio::steady_timer timer_;
  bool watched_ = false;
  bool timed_ = false;
  std::chrono::steady_clock::time_point waits_since_{};
  std::vector<std::function<void()>> hearers_;
  std::function<void()> gone_;
};

}  // namespace procx::inline v1::detail
