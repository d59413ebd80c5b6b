#pragma once

#include "background/address.hpp"
#include "background/call_process.hpp"
#include "background/client_session.hpp"
#include "background/kept_results.hpp"
#include "system/descriptor.hpp"

#include <procx/background/background_options.hpp>

#include <functional>
#include <list>
#include <vector>

#include <poll.h>

namespace procx::inline v1::detail {

/// What a background process does once it lives: it keeps what the callable sends and gives it to clients. One thread, which waits
/// in one place for all of them.
///
/// What a client has not acknowledged when it goes is given to the next that has room. When the callable has ended and all is
/// acknowledged the address is given back, and only then are the clients told of the end: there is one, even if there were no results.
class result_server {
 public:
  /// Listens, then starts the callable.
  result_server(address const& at, address_claim& claim, background_options const& options,
                std::function<void(channel&)> const& body);

  /// Until all is taken, or SIGTERM or SIGINT ends it.
  void run();

 private:
  using clock = client_session::clock;
  // In which clients that have connected just before the end learn of it.
  static constexpr std::chrono::seconds time_to_end{2};

  void wait();
  bool accept_all();
  void pump_sessions(bool all);
  void hand_out();
  void end();
  bool stops() noexcept;
  bool all_taken() const;
  deadline next_deadline() const;

  address_claim& claim_;
  descriptor signals_;
  kept_results kept_;
  descriptor listener_;
  call_process call_;
  std::list<client_session> sessions_;
  std::vector<pollfd> fds_;
  std::size_t first_session_ = 0;  // of fds_
  deadline accepts_again_;  // there is no descriptor left for another client
  bool met_ = false;        // a client has greeted: there is somebody to learn of the end
};

}  // namespace procx::inline v1::detail
