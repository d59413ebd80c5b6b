#pragma once

#include "system/descriptor.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace procx::inline v1::detail {

/// What a service manager, such as systemd, gives a service and wants to hear of it: see sd_listen_fds(3) and sd_notify(3).
class service_manager {
 public:
  /// Takes its variables out of the environment, so that no process created from here on takes them for its own.
  service_manager();

  /// The listening socket that it has passed; empty if it has passed none. Throws connection_error if it is no listening UNIX
  /// stream socket, or if there are several.
  descriptor take_socket();
  /// Sends news, one "NAME=value" a line. Does nothing if nobody wants any.
  void tell(std::string_view news) const noexcept;
  /// How often it wants to hear that the service is alive. 0 means never.
  std::chrono::microseconds watchdog() const noexcept { return watchdog_; }

 private:
  int passed_ = 0;  // descriptors
  std::string notify_;
  std::chrono::microseconds watchdog_{0};
};

}  // namespace procx::inline v1::detail
