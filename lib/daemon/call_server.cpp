#include "daemon/call_server.hpp"

#include "address/detached_process.hpp"
#include "channel/handover.hpp"
#include "system/generation.hpp"

#include <procx/detail/system/from_now.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <new>
#include <utility>

#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::chrono::milliseconds without_descriptors{100};

call_session::limits limits_for_sessions(daemon_options const& o, std::size_t workers) {
  call_session::limits l;
  l.calls = std::max<std::size_t>(o.calls_per_client, 1);
  l.always = 2 * workers;
  return l;
}

daemon_options checked(daemon_options o) {
  o.frame_limit = std::max(o.frame_limit, server_protocol::least_frame_limit);
  return o;
}

}  // namespace

call_server::call_server(listening_place place, daemon_options const& options, make_call_runner const& make)
    : place_(std::move(place)),
      options_(checked(options)),
      runner_(make(loop_)),
      limits_(limits_for_sessions(options_, runner_->workers())),
      signal_watch_(loop_.executor()),
      listener_watch_(loop_.executor()),
      path_watch_(loop_.executor()),
      accept_timer_(loop_.executor()),
      greeting_timer_(loop_.executor()),
      drain_timer_(loop_.executor()),
      watchdog_timer_(loop_.executor()) {
  runner_->prepare();
  signals_ = stop_signals_as_descriptor();
  signal_watch_.assign(signals_.get());
  wait_for_signals();
  listen(place_.listen());
  tell_manager("READY=1");
  feed_watchdog();
}

call_server::~call_server() {
  for (stream* s : {&signal_watch_, &listener_watch_, &path_watch_})
    if (s->is_open()) s->release();
}

void call_server::run() {
  loop_.run_until([this] { return phase_ == phase::over; });
  runner_->stop();
  if (broken_) std::rethrow_exception(broken_);
}

void call_server::wait_for_signals() {
  signal_watch_.async_wait(stream::wait_read, [this](boost::system::error_code) {
    signalfd_siginfo info;
    if (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      if (phase_ != phase::serving) phase_ = phase::over;
      stop(true);
    }
    wait_for_signals();
  });
}

void call_server::listen(descriptor socket) {
  for (stream* s : {&listener_watch_, &path_watch_})
    if (s->is_open()) s->release();
  listener_ = std::move(socket);
  listener_watch_.assign(listener_.get());
  wait_for_clients();
  if (place_.claim) try {
    path_changes_ = place_.claim->watch();
    path_watch_.assign(path_changes_.get());
    watch_path();
  } catch (boost::system::system_error const&) {
    // The user has as many watches as the system allows: it will not be noticed if the socket is removed.
  }
}

void call_server::watch_path() {
  path_watch_.async_wait(stream::wait_read, [this](boost::system::error_code error) {
    if (!error && phase_ == phase::serving) look_at_path();
  });
}

/// If the socket was removed, another one takes its place; if the path is somebody else's, the daemon ends.
void call_server::look_at_path() {
  alignas(inotify_event) char events[4096];
  while (::read(path_changes_.get(), events, sizeof events) > 0) {}
  if (place_.claim->is_at_path()) return watch_path();
  try {
    descriptor socket = place_.claim->listen_again();
    accept_all();  // who has connected before
    std::cerr << "procx: the daemon's socket was removed, and is made again" << std::endl;
    listen(std::move(socket));
  } catch (boost::system::system_error const& e) {
    std::cerr << "procx: the daemon ends, since its socket was removed: " << e.what() << std::endl;
    stop(true);
  }
}

void call_server::tell_manager(std::string_view news) const noexcept {
  if (place_.manager) place_.manager->tell(news);
}

/// Twice as often as it must, also while the daemon finishes its calls.
void call_server::feed_watchdog() {
  if (!place_.manager || place_.manager->watchdog().count() <= 0) return;
  watchdog_timer_.expires_after(place_.manager->watchdog() / 2);
  watchdog_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    tell_manager("WATCHDOG=1");
    feed_watchdog();
  });
}

void call_server::wait_for_clients() {
  listener_watch_.async_wait(stream::wait_read, [this](boost::system::error_code error) {
    if (!error && phase_ == phase::serving) accept_all();
  });
}

/// Accepts all waiting clients, and disconnects those of other users before a byte is read.
void call_server::accept_all() {
  for (;;) try {
      descriptor client;
      {
        auto const held = hold_forks();
        int const fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        client = descriptor::take(fd, "accept");
      }
      if (!is_of_same_user(client.get())) continue;
      links_.emplace_back(static_cast<link_owner&>(*this), loop_.executor(), std::move(client),
                          greeting::own(image_fingerprint(), options_.frame_limit));
      links_.back().start();
      wait_for_greetings();
    } catch (boost::system::system_error const&) {
      accept_timer_.expires_after(without_descriptors);
      accept_timer_.async_wait([this](boost::system::error_code error) {
        if (!error && phase_ == phase::serving) accept_all();
      });
      return;
    }
  wait_for_clients();
}

void call_server::wait_for_greetings() {
  if (std::exchange(greetings_watched_, true)) return;
  greeting_timer_.expires_after(server_protocol::time_to_greet);
  greeting_timer_.async_wait([this](boost::system::error_code error) {
    greetings_watched_ = false;
    if (error) return;
    bool any = false;
    for (client_link& l : links_) {
      l.on_time(clock::now());
      any = any || !(l.has_greeted() || l.is_over());
    }
    if (any) wait_for_greetings();
  });
}

/// The link may be in the midst of something: it is destroyed by a handler of its own.
void call_server::on_over(client_link&) noexcept {
  try {
    boost::asio::post(loop_.executor(), [this] { remove_links(); });
  } catch (std::bad_alloc const&) {
    // It goes with the next one.
  }
}

void call_server::remove_links() {
  for (auto k = kept_.begin(); k != kept_.end();) {
    auto const here = k++;
    client_link* const link = here->second.link;
    if (!link || !link->is_over()) continue;
    here->second.link = nullptr;
    if (link->has_said_end() && here->second.session->all_acknowledged())
      kept_.erase(here);
    else
      expire_later(here->first);
  }
  links_.remove_if([](client_link const& l) { return l.is_over(); });
  end_if_drained();
}

std::shared_ptr<call_session> call_server::make_session(bool keeps) {
  return std::make_shared<call_session>(*runner_, limits_, keeps, [this](std::exception_ptr why) {
    broken_ = std::move(why);
    phase_ = phase::over;
  });
}

std::shared_ptr<call_session> call_server::session_for(session_token const& token, client_link& link,
                                                       session_terms& terms) {
  terms = {static_cast<std::uint32_t>(limits_.calls), limits_.bytes, 0, false, ::getpid()};
  auto const seconds = std::chrono::ceil<std::chrono::seconds>(options_.keep_answers).count();
  if (token == session_token{} || seconds <= 0) return make_session(false);
  terms.kept_for = static_cast<std::uint32_t>(seconds);
  kept_session& k = kept(token, terms);
  if (k.link) k.link->close();
  k.link = &link;
  k.expires.cancel();
  return k.session;
}

call_server::kept_session& call_server::kept(session_token const& token, session_terms& terms) {
  auto const known = kept_.find(token);
  terms.resumed = known != kept_.end();
  if (terms.resumed) return known->second;
  kept_session fresh{make_session(true), nullptr, boost::asio::steady_timer(loop_.executor())};
  return kept_.emplace(token, std::move(fresh)).first->second;
}

void call_server::expire_later(session_token const& token) {
  kept_session& k = kept_.at(token);
  k.expires.expires_after(options_.keep_answers);
  k.expires.async_wait([this, token](boost::system::error_code error) {
    auto const session = kept_.find(token);
    if (!error && session != kept_.end() && !session->second.link) kept_.erase(session);
  });
}

/// Those who connect from now on are met by the other daemon, and so are those whom this one has not accepted.
void call_server::on_hand_over(client_link& to) {
  if (phase_ != phase::serving || !place_.claim) return to.close();
  int const passed[]{listener_.get(), place_.claim->lock_fd()};
  if (!to.pass(passed)) return to.close();
  place_.claim->pass_on();
  stop(false);
}

/// The address is free from now on, or another daemon's.
void call_server::stop(bool at_once) {
  if (phase_ != phase::serving) return;
  phase_ = phase::draining;
  tell_manager("STOPPING=1");
  if (place_.claim) place_.claim->give_back();
  listener_watch_.release();
  if (path_watch_.is_open()) path_watch_.release();
  listener_.close();
  for (client_link& l : links_) l.finish(at_once);
  if (options_.drain.count() > 0) {
    drain_timer_.expires_at(from_now(options_.drain));
    drain_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) phase_ = phase::over;
    });
  }
  on_drained();
}

void call_server::on_drained() {
  boost::asio::post(loop_.executor(), [this] { end_if_drained(); });
}

void call_server::end_if_drained() {
  if (phase_ == phase::draining && std::ranges::all_of(links_, [](client_link const& l) { return l.is_finished(); })) phase_ = phase::over;
}

}  // namespace procx::inline v1::detail
