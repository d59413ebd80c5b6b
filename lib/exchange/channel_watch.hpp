#pragma once

#include "channel/channel_core.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>

namespace procx::inline v1::detail {

/// Keeps an eye on one channel of an exchange: tells when something has arrived, or its process has ended, and passes
/// on what the process says on its standard error.
class channel_watch {
 public:
  channel_watch(channel_core& core, boost::asio::any_io_executor const& executor, std::function<void()> on_event);
  ~channel_watch();

  /// Tells once, when something arrives after this call.
  void arm();

 private:
  void begin();
  void release_descriptors() noexcept;
  void watch_process();
  void watch_stderr();

  channel_core& core_;
  boost::asio::posix::stream_descriptor in_;
  boost::asio::posix::stream_descriptor pidfd_;
  boost::asio::posix::stream_descriptor errors_;
  std::function<void()> on_event_;
  bool armed_ = false;
  std::shared_ptr<channel_watch*> alive_ = std::make_shared<channel_watch*>(this);
};

}  // namespace procx::inline v1::detail
