#pragma once

#include "system/descriptor.hpp"

#include <procx/detail/system/operation.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

namespace procx::inline v1::detail {

class channel_core;

/// The asynchronous operations under way on one channel.
///
/// Whatever wakes it, a descriptor or the timer, it does all that can be done (`progress`) and then waits for exactly
/// what the operations that are left need. With no operation under way it waits for nothing, so that an io_context
/// may run out of work.
class channel_async {
 public:
  explicit channel_async(channel_core& core);
  ~channel_async();

  std::uint64_t start_send(std::unique_ptr<operation>&& op);
  std::uint64_t start_receive(std::unique_ptr<operation>&& op);
  std::uint64_t start_wait(std::unique_ptr<operation>&& op);
  void cancel(std::uint64_t id);

 private:
  struct watch {
    boost::asio::posix::stream_descriptor descriptor;
    boost::asio::posix::stream_descriptor::wait_type what;
    bool armed = false;
  };
  struct pending {
    std::uint64_t id;
    std::unique_ptr<operation> op;
    std::uint64_t position = 0;  // sends: done once so many bytes have left …
    std::uint64_t value = 0;     // … and, on an acknowledged channel, this value was received
  };

  void progress() noexcept;
  void progress_sends();
  void progress_receive();
  void progress_wait();
  void fail_all(std::exception_ptr const& error);
  void rearm();
  int out_fd();
  void arm(watch& w, int fd, bool wanted);
  void arm_timer(bool wanted);
  bool idle() const noexcept { return sends_.empty() && !receive_ && !wait_; }

  channel_core& core_;
  boost::asio::any_io_executor executor_;
  descriptor out_copy_;  // of a socket: a reactor takes each number once, and in_ has it
  watch in_, out_, pid_, err_;
  boost::asio::steady_timer dying_;
  bool dying_armed_ = false;
  bool given_up_ = false;  // the process did not die in time after its channel broke off
  std::uint64_t next_id_ = 1;
  std::deque<pending> sends_;
  bool send_is_hopeless_ = false;  // but why is not known yet
  std::optional<pending> receive_;
  std::optional<pending> wait_;
  std::shared_ptr<channel_async*> alive_ = std::make_shared<channel_async*>(this);
};

}  // namespace procx::inline v1::detail
