#include "background/result_server.hpp"

#include "address/detached_process.hpp"
#include "system/generation.hpp"

#include <procx/detail/system/from_now.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t least_frame_limit = std::size_t{1} << 20;  // a death record always fits
constexpr std::chrono::milliseconds without_descriptors{100};

/// A file in the folder of the socket, without a name: nothing is left of it even after SIGKILL.
descriptor open_nameless(int folder) {
  auto const held = hold_forks();
  int fd = ::openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) {
    std::string const name = ".procx-results-" + std::to_string(::getpid());
    fd = ::openat(folder, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) ::unlinkat(folder, name.c_str(), 0);
  }
  return descriptor::take(fd, "cannot make a file for results");
}

}  // namespace

result_server::result_server(address const& at, address_claim& claim, background_options const& options,
                             std::function<void(channel&)> const& body)
    : claim_(claim),
      signals_(stop_signals_as_descriptor()),
      kept_(options.memory, std::max(options.frame_limit, least_frame_limit),
            [folder = at.folder_fd()] { return open_nameless(folder); }),
      listener_(claim.listen()),
      call_(options.frame_limit, body),
      linger_(options.linger),
      expires_(options.expires) {}

void result_server::run() {
  while (!is_done()) {
    wait();
    if (stops()) {
      claim_.give_back();
      call_.stop();
      return;
    }
    call_.pump(kept_);
    pump_sessions(accept_all());
    hand_out();
  }
  if (all_taken()) return end();
  claim_.give_back();  // untaken results are lost: clients see the connection break
}

void result_server::say_end() {
  for (client_session& s : sessions_)
    if (s.greeted()) s.say_end();
}

bool result_server::all_taken() const {
  return met_ && call_.over() && kept_.empty() && std::ranges::none_of(sessions_, &client_session::owes);
}

/// When the callable has ended, results have a time limit; when all are taken, clients are told so, and it begins anew with
/// `linger`.
bool result_server::is_done() {
  bool const is_taken = all_taken();
  if (is_taken && linger_.count() <= 0) return true;
  if (is_taken) say_end();
  if (std::exchange(was_taken_, is_taken) != is_taken) ends_.reset();
  auto const limit = is_taken ? linger_ : call_.over() ? expires_ : std::chrono::nanoseconds(0);
  if (!ends_ && limit.count() > 0) ends_ = from_now(limit);
  return ends_ && clock::now() >= *ends_;
}

void result_server::wait() {
  fds_.clear();
  fds_.push_back({signals_.get(), POLLIN, 0});
  fds_.push_back({accepts_again_ ? -1 : listener_.get(), POLLIN, 0});
  call_.add_to(fds_, kept_);
  first_session_ = fds_.size();
  for (client_session const& s : sessions_) fds_.push_back(s.waits_for());
  poll_until(fds_, next_deadline());
}

deadline result_server::next_deadline() const {
  deadline first = accepts_again_;
  if (ends_) first = first ? std::min(*first, *ends_) : ends_;
  for (client_session const& s : sessions_)
    if (s.awaits_greeting()) first = first ? std::min(*first, s.greets_until()) : s.greets_until();
  return first;
}

bool result_server::stops() noexcept {
  signalfd_siginfo info;
  return ::read(signals_.get(), &info, sizeof info) == sizeof info;
}

/// Accepts all waiting clients, and disconnects those of other users before a byte is read. Returns true if there is a new
/// session.
bool result_server::accept_all() {
  if (accepts_again_ && clock::now() < *accepts_again_) return false;
  accepts_again_.reset();
  for (bool any = false;;) try {
      descriptor client;
      {
        auto const held = hold_forks();
        int const fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return any;
        client = descriptor::take(fd, "accept");
      }
      if (!is_of_same_user(client.get())) continue;
      sessions_.emplace_back(std::move(client), clock::now());
      any = true;
    } catch (boost::system::system_error const&) {
      accepts_again_ = clock::now() + without_descriptors;
      return any;
    }
}

/// Handles sessions with events, or all sessions if there is a new client: another client may have died before that one
/// connected but after the last poll, and its results must be put back before the new client gets any.
void result_server::pump_sessions(bool all) {
  std::size_t at = first_session_;
  auto const now = clock::now();
  for (auto s = sessions_.begin(); s != sessions_.end(); ++at) {
    bool const late = s->awaits_greeting() && now >= s->greets_until();
    if (all || late || fds_[at].revents) s->pump(now);
    met_ = met_ || s->greeted();
    if (!s->over()) {
      ++s;
      continue;
    }
    for (kept_result& r : s->take_back()) kept_.give_back(std::move(r));
    s = sessions_.erase(s);
  }
}

/// Gives results to clients in turn, one at a time, as long as they have room.
void result_server::hand_out() {
  for (bool any = true; any;) {
    any = false;
    for (client_session& s : sessions_) {
      if (!s.has_room()) continue;
      auto r = kept_.take();
      if (!r) break;
      s.give(std::move(*r));
      any = true;
    }
  }
  for (client_session& s : sessions_) s.flush();
  if (sessions_.size() > 1) sessions_.splice(sessions_.end(), sessions_, sessions_.begin());
}

void result_server::end() {
  claim_.give_back();
  (void)accept_all();
  listener_.close();
  auto const until = clock::now() + time_to_end;
  for (;;) {
    say_end();
    sessions_.remove_if([](client_session const& s) { return s.over(); });
    if (sessions_.empty() || clock::now() >= until) return;
    fds_.clear();
    for (client_session const& s : sessions_) fds_.push_back(s.waits_for());
    poll_until(fds_, until);
    for (client_session& s : sessions_) s.pump(clock::now());
  }
}

}  // namespace procx::inline v1::detail
