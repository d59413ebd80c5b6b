#pragma once

#include "address/address.hpp"
#include "daemon/call_runner.hpp"
#include "daemon/call_session.hpp"
#include "daemon/client_link.hpp"
#include "daemon/service_manager.hpp"
#include "system/descriptor.hpp"
#include "system/event_loop.hpp"

#include <procx/daemon/daemon.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string_view>

namespace procx::inline v1::detail {

/// Where a daemon listens, and who is to know of it.
struct listening_place {
  std::function<descriptor()> listen;        ///< gives the listening socket, when the workers can be started
  address_claim* claim = nullptr;            ///< null: the socket is a service manager's
  service_manager const* manager = nullptr;  ///< null: nobody is to be told
};

/// The event loop of a daemon: a dispatcher with workers, and the clients. Single-threaded.
///
///     serving ── stop, SIGTERM or SIGINT ─▶ draining ── all calls answered, time is up, or a second signal ─▶ over
class call_server final : private link_owner {
 public:
  /// Makes what the workers are forked from. Listens after that.
  call_server(listening_place place, daemon_options const& options, make_call_runner const& make);
  ~call_server() override;

  /// Returns when the daemon is to end. Throws if it cannot go on.
  void run();

 private:
  using clock = server_protocol::clock;
  using stream = boost::asio::posix::stream_descriptor;
  enum class phase { serving, draining, over };
  struct kept_session {
    std::shared_ptr<call_session> session;
    client_link* link = nullptr;
    boost::asio::steady_timer expires;
  };

  // For the connections.
  std::shared_ptr<call_session> session_for(session_token const& token, client_link& link, session_terms& terms) override;
  void pump() override { runner_->pump(); }
  void on_stop() override { stop(true); }
  void on_hand_over(client_link& to) override;
  void on_over(client_link& link) noexcept override;
  void on_drained() override;

  void listen(descriptor socket);
  void wait_for_clients();
  void accept_all();
  void wait_for_greetings();
  void wait_for_signals();
  void watch_path();
  void tell_manager(std::string_view news) const noexcept;
  void feed_watchdog();
  void look_at_path();
  void remove_links();
  void stop(bool at_once);
  void end_if_drained();
  kept_session& kept(session_token const& token, session_terms& terms);
  std::shared_ptr<call_session> make_session(bool keeps);
  void expire_later(session_token const& token);

  listening_place place_;
  daemon_options const options_;
  event_loop loop_;
  std::unique_ptr<call_runner> const runner_;
  call_session::limits limits_;
  descriptor signals_;
  descriptor listener_;
  descriptor path_changes_;
  stream signal_watch_;
  stream listener_watch_;
  stream path_watch_;
  boost::asio::steady_timer accept_timer_;
  boost::asio::steady_timer greeting_timer_;
  boost::asio::steady_timer drain_timer_;
  boost::asio::steady_timer watchdog_timer_;
  bool greetings_watched_ = false;
  phase phase_ = phase::serving;
  std::exception_ptr broken_;
  std::map<session_token, kept_session> kept_;
  std::list<client_link> links_;
};

}  // namespace procx::inline v1::detail
