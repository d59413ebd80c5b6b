#pragma once

#include "address/address.hpp"
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

/// The event loop of a background process: stores results of the callable and delivers them to clients. Single-threaded.
///
/// Unacknowledged results of a client that disconnects go to the next client. When the callable has ended and all results are
/// acknowledged, the address is given back, and then the clients are told of the end. At least one client must have
/// connected, so that the end of a callable without results is noticed too.
class result_server {
 public:
  /// Starts listening, then starts the callable.
  result_server(address const& at, address_claim& claim, background_options const& options,
                std::function<void(channel&)> const& body);

  /// Returns when all results are taken, or after SIGTERM or SIGINT.
  void run();

 private:
  using clock = client_session::clock;
  // Time limit for telling clients of the end, for those that have not greeted yet.
  static constexpr std::chrono::seconds time_to_end{2};

  void wait();
  bool accept_all();
  void pump_sessions(bool all);
  void hand_out();
  void say_end();
  void end();
  bool stops() noexcept;
  bool all_taken() const;
  bool is_done();
  deadline next_deadline() const;

  address_claim& claim_;
  descriptor signals_;
  kept_results kept_;
  descriptor listener_;
  call_process call_;
  std::list<client_session> sessions_;
  std::vector<pollfd> fds_;
  std::size_t first_session_ = 0;  // index in fds_
  deadline accepts_again_;  // set while there is no descriptor left for another client
  bool met_ = false;        // a client has greeted
  std::chrono::nanoseconds const linger_;
  std::chrono::nanoseconds const expires_;
  deadline ends_;  // when the process ends though it need not: nobody comes any more, or nobody has taken what there is
  bool was_taken_ = false;
};

}  // namespace procx::inline v1::detail
