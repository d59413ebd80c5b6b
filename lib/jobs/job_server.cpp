#include "jobs/job_server.hpp"

#include "jobs/job_processes.hpp"
#include "system/generation.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <utility>

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::chrono::milliseconds without_descriptors{100};
constexpr std::chrono::milliseconds quiet{20};        // of a terminal that others hold open
constexpr std::chrono::milliseconds between_kills{5};  // a process may be forking while its parent is killed
constexpr std::uint64_t grace_of_a_signal = 10'000;    // milliseconds

descriptor signals_as_descriptor() {
  std::signal(SIGXFSZ, SIG_IGN);
  sigset_t all;
  ::sigemptyset(&all);
  for (int const s : {SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&all, s);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  auto const held = hold_forks();
  return descriptor::take(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
}

/// What the command leaves behind becomes this process's, not that of some process far away.
command_plan const& as_subreaper(command_plan const& plan) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  return plan;
}

void keep_earliest(deadline& first, deadline const& other) {
  if (other) first = first ? std::min(*first, *other) : *other;
}

}  // namespace

job_server::job_server(address const& at, address_claim& claim, command_plan plan, job_record record)
    : at_(at),
      claim_(claim),
      signals_(signals_as_descriptor()),
      listener_(claim.listen()),
      command_(as_subreaper(plan)),
      log_(command_.take_output(), plan.terminal),
      record_(std::move(record)) {
  log_.open(at_);
  record_.supervisor = ::getpid();
  record_.pid = command_.pid();
  record_.began = microseconds_now();
  write_record(at_, record_);
  watch_ = claim_.watch();
}

void job_server::run() {
  while (!empty_) {
    wait();
    heed_signals();
    if (log_.waits_for() >= 0 || log_.stalled()) log_.pump();
    if (over_ && !record_.ended && all_is_read()) note_end();
    accept_all();
    pump_sessions();
    pump_input();
    if (stops_) go_on_stopping();
    if (!empty_) tell_all();  // else the address is to be free first: who hears of the end may start another job there
  }
  finish();
}

void job_server::wait() {
  fds_.clear();
  fds_.push_back({signals_.get(), POLLIN, 0});
  fds_.push_back({log_.waits_for(), POLLIN, 0});
  fds_.push_back({command_.wants_input(), POLLOUT, 0});
  fds_.push_back({accepts_again_ ? -1 : listener_.get(), POLLIN, 0});
  fds_.push_back({watch_.get(), POLLIN, 0});
  first_session_ = fds_.size();
  for (job_session const& s : sessions_) fds_.push_back(s.waits_for());
  poll_until(fds_, next_deadline());
  if (fds_[first_session_ - 1].revents) look_after_address();
}

deadline job_server::next_deadline() const {
  deadline first = accepts_again_;
  keep_earliest(first, log_.tries_again());
  if (!record_.ended) keep_earliest(first, reads_until_);
  if (told_) keep_earliest(first, kills_at_);
  for (job_session const& s : sessions_)
    if (s.awaits_greeting()) keep_earliest(first, s.greets_until());
  return first;
}

void job_server::heed_signals() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info)
    if (info.ssi_signo != SIGCHLD) begin_to_stop({grace_of_a_signal, SIGTERM, false});
  reap();
}

void job_server::reap() {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0) {
      if (errno == EINTR) continue;
      empty_ = errno == ECHILD && record_.ended != 0;
      return;
    }
    if (info.si_pid == 0) return;
    if (info.si_pid != command_.pid()) continue;
    over_ = true;
    record_.how = info.si_code;
    record_.value = info.si_status;
    command_.release_terminal();
    reads_until_ = clock::now() + quiet;
  }
}

/// After the end of the command: whether all that it has written is in the file. In a pipe it is there at once, behind a
/// terminal a little later. What others go on writing is not waited for.
bool job_server::all_is_read() {
  if (!record_.terminal) return log_.take_present() || stops_;
  if (log_.ended()) return true;
  if (log_.pump()) reads_until_ = clock::now() + quiet;
  return clock::now() >= *reads_until_ && (stops_ || !log_.stalled());
}

void job_server::note_end() {
  record_.ended = microseconds_now();
  record_.output = log_.size();
  reap();
  record_.processes = empty_ ? 0 : descendants_of(::getpid()).size();
  try_to_write_record();
}

void job_server::try_to_write_record() noexcept try {
  write_record(at_, record_);
} catch (std::exception const& e) {
  std::cerr << "procx: " << e.what() << std::endl;
}

/// The socket was removed or replaced.
void job_server::look_after_address() try {
  char events[4096];
  while (::read(watch_.get(), events, sizeof events) > 0) continue;
  if (claim_.is_at_path()) return;
  watch_.close();
  listener_ = claim_.listen_again();
  watch_ = claim_.watch();
} catch (boost::system::system_error const& e) {
  std::cerr << "procx: the job at " << at_.path().string() << " cannot be met any more, and is stopped: " << e.what() << std::endl;
  begin_to_stop({grace_of_a_signal, SIGTERM, false});
}

void job_server::on_stop(stop_terms const& terms) { begin_to_stop(terms); }

/// The stricter of several wishes counts.
void job_server::begin_to_stop(stop_terms const& terms) {
  if (terms.drain) command_.end_input();
  if (stops_ && !stops_->drain && told_) {
    keep_earliest(kills_at_, clock::now() + std::chrono::milliseconds(terms.drain ? grace_of_a_signal : terms.grace));
    return;
  }
  if (!stops_ || !terms.drain) stops_ = terms;
}

void job_server::go_on_stopping() {
  if (stops_->drain && !record_.ended) return;
  auto const at = clock::now();
  if (!told_) {
    told_ = true;
    kills_at_ = at + std::chrono::milliseconds(std::min<std::uint64_t>(stops_->grace, 1'000'000'000));
    if (stops_->grace > 0) send_to_all(stops_->signal > 0 ? stops_->signal : SIGTERM);
  }
  if (at < *kills_at_) return;
  send_to_all(SIGKILL);
  kills_at_ = at + between_kills;
}

void job_server::send_to_all(int signal) {
  for (pid_t const p : descendants_of(::getpid())) {
    ::kill(p, signal);
    if (signal != SIGKILL) ::kill(p, SIGCONT);
  }
}

/// Accepts all waiting clients, and disconnects those of other users before a byte is read.
void job_server::accept_all() {
  if (accepts_again_ && clock::now() < *accepts_again_) return;
  accepts_again_.reset();
  for (;;) try {
      descriptor client;
      {
        auto const held = hold_forks();
        int const fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        client = descriptor::take(fd, "accept");
      }
      if (!is_of_same_user(client.get())) continue;
      sessions_.emplace_back(std::move(client), ++sessions_so_far_, clock::now());
      fds_.push_back({-1, 0, POLLIN});
    } catch (boost::system::system_error const&) {
      accepts_again_ = clock::now() + without_descriptors;
      return;
    }
}

void job_server::pump_sessions() {
  std::size_t at = first_session_;
  auto const time = clock::now();
  for (auto s = sessions_.begin(); s != sessions_.end(); ++at) {
    if (fds_[at].revents || (s->awaits_greeting() && time >= s->greets_until())) s->pump(time, *this);
    s = s->over() ? sessions_.erase(s) : std::next(s);
  }
}

void job_server::pump_input() {
  command_.pump_input([&](std::uint64_t client, std::size_t bytes) {
    auto const s = std::ranges::find(sessions_, client, &job_session::number);
    if (s != sessions_.end()) s->acknowledge(bytes);
  });
}

void job_server::on_input(job_session& from, std::span<std::byte const> bytes) { command_.add_input(from.number(), bytes); }

job_record job_server::now() {
  job_record r = record_;
  if (!r.ended) r.output = log_.size();
  r.processes = descendants_of(::getpid()).size();
  return r;
}

void job_server::tell_all() {
  for (job_session& s : sessions_) {
    s.tell_output(log_.size());
    if (record_.ended) s.tell_ended(record_);
    s.flush();
  }
}

/// The files tell of the end before the address is free, and clients hear of it only then.
void job_server::finish() {
  (void)log_.take_present();
  record_.closed = true;
  record_.processes = 0;
  try_to_write_record();
  claim_.give_back();
  tell_the_end();
}

/// Clients that have just connected are heard as well.
void job_server::tell_the_end() {
  first_session_ = 0;
  fds_.assign(sessions_.size(), {-1, 0, POLLIN});
  accept_all();
  listener_.close();
  for (auto const until = clock::now() + time_to_tell;;) {
    pump_sessions();
    for (job_session& s : sessions_) {
      s.tell_ended(record_);
      s.tell_empty(record_);
      s.flush();
    }
    sessions_.remove_if([](job_session const& s) { return !s.awaits_greeting() && s.all_has_left(); });
    if (sessions_.empty() || clock::now() >= until) return;
    fds_.clear();
    for (job_session const& s : sessions_) fds_.push_back(s.waits_for());
    poll_until(fds_, until);
  }
}

}  // namespace procx::inline v1::detail
