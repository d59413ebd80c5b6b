#include <procx/process/process.hpp>

#include "process/process_group.hpp"
#include "process/process_state.hpp"
#include "system/generation.hpp"
#include "system/kernel.hpp"

#include <procx/detail/system/from_now.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <utility>
#include <vector>

#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace procx::inline v1 {
namespace detail {
namespace {

/// A look at the pidfd first: waitid alone would not tell a child that runs from one that somebody else has reaped.
bool has_ended(int pidfd) {
  pollfd ended{pidfd, POLLIN, 0};
  return poll_until(std::span(&ended, 1), std::chrono::steady_clock::now());
}

/// One for each process: a child has no use for its parent's, whose mutex a thread may have held at the fork.
struct graveyard {
  unsigned generation = 0;
  graveyard* inherited = nullptr;
  std::mutex mutex = {};
  std::vector<std::unique_ptr<process_state>> waiting = {};
  std::size_t next = 0;
};

graveyard& abandoned() {
  static std::atomic<graveyard*> current = nullptr;  // never destroyed: channels may be static objects
  graveyard* yard = current;
  while (!yard || yard->generation != generation()) {
    auto fresh = std::unique_ptr<graveyard>(new graveyard{generation(), yard});
    if (current.compare_exchange_strong(yard, fresh.get())) return *fresh.release();
  }
  return *yard;
}

}  // namespace

process_state::process_state(pid_t pid, descriptor pidfd, descriptor stderr_end, std::shared_ptr<status_source> source)
    : pid_(pid), generation_(generation()), pidfd_(std::move(pidfd)), source_(std::move(source)) {
  if (stderr_end) errors_ = output_relay(std::move(stderr_end));
}

process_state::~process_state() {
  if (!foreign() && !status_) try_wait();
}

bool process_state::foreign() const noexcept { return generation_ != generation(); }

std::optional<exit_status> process_state::try_wait(bool waits) {
  if (status_ || foreign()) return status_;
  errors_.drain();
  if (!has_ended(pidfd_.get())) return std::nullopt;
  errors_.finish();
  std::optional<ending> const told = source_ ? source_->ending_of(pid_, pidfd_.get(), waits) : reap();
  if (!told) return std::nullopt;
  ending end = *told;
  // If its parent has died too, it may have become a child of this process: that of a container's first one, say.
  if (source_ && !end.status.known()) end = reap();
  status_ = end.status;
  usage_ = end.usage;
  return status_;
}

bool process_state::is_gone() const { return status_ || foreign() || has_ended(pidfd_.get()); }

ending process_state::reap() noexcept {
  siginfo_t info{};
  rusage used{};
  auto const wait = [&](int how) {
    info = {};
    // The system call itself: the library's has no parameter for what was used.
    if (::syscall(SYS_waitid, P_PIDFD, pidfd_.get(), &info, WEXITED | WNOHANG | how, &used) == 0) return 0l;
    if (errno == ECHILD) return -1l;
    // It is watched by a pipe, whose end comes a moment before that of the process: here the wait is one.
    return ::syscall(SYS_waitid, P_PID, pid_, &info, WEXITED | how, &used);
  };
  // ECHILD: somebody else has reaped it, by wait() or by ignoring SIGCHLD.
  if (wait(WNOWAIT) != 0 || info.si_pid == 0) return {};
  kill_group_of_the_dead(pid_);
  if (wait(0) != 0 || info.si_pid == 0) return {};
  return {exit_status::from_wait(info.si_code, info.si_status), process_usage::from(used)};
}

death_certificate process_state::certificate() const {
  death_certificate c{.pid = pid_,
                      .status = status_.value_or(exit_status()),
                      .cpu_time = usage_.cpu_time,
                      .peak_memory = usage_.peak_memory,
                      .stderr_tail = errors_.tail()};
  if (crash_) add_crash(c, *crash_);
  return c;
}

std::optional<exit_status> process_state::wait_until(deadline until) {
  while (!try_wait()) {
    if (foreign()) return exit_status();
    std::array<pollfd, 2> fds{{{pidfd_.get(), POLLIN, 0}, {errors_.fd(), POLLIN, 0}}};
    if (!poll_until(fds, until)) return std::nullopt;
  }
  return status_;
}

bool process_state::kill(int signal) noexcept {
  if (status_ || foreign()) return false;
  auto const s = send_by_pidfd(pidfd_.get(), signal);
  if (s != sent::no_way) return s == sent::yes;
  // By its number, then, which is its own until it is reaped: by this object, or by the nursery that has forked it.
  if (source_) return source_->kill(pid_, signal);
  return is_unreaped_child(pid_) && ::kill(pid_, signal) == 0;
}

void abandon(std::unique_ptr<process_state> state) {
  if (state->foreign()) {
    (void)state.release();  // a copy in a child: its destructor would be right, but freeing it is not worth the care
    return;
  }
  if (!state->try_wait()) {
    auto& yard = abandoned();
    std::lock_guard const lock(yard.mutex);
    yard.waiting.push_back(std::move(state));
  }
  reap_abandoned();
}

void reap_abandoned() {
  constexpr std::size_t at_a_time = 32;
  auto& yard = abandoned();
  std::unique_lock const lock(yard.mutex, std::try_to_lock);
  if (!lock) return;
  for (std::size_t i = 0; i < at_a_time && !yard.waiting.empty(); ++i) {
    yard.next %= yard.waiting.size();
    auto& state = yard.waiting[yard.next];
    if (state->try_wait()) {
      state = std::move(yard.waiting.back());
      yard.waiting.pop_back();
    } else {
      ++yard.next;
    }
  }
}

}  // namespace detail

process::process() noexcept = default;
process::process(process&&) noexcept = default;
process::process(std::unique_ptr<detail::process_state> state) noexcept : state_(std::move(state)) {}

process& process::operator=(process&& other) noexcept {
  process(std::move(other)).state_.swap(state_);
  return *this;
}

process::~process() {
  if (state_) detail::abandon(std::move(state_));
}

pid_t process::pid() const noexcept { return state_ ? state_->pid() : 0; }
int process::pidfd() const noexcept { return state_ ? state_->pidfd() : -1; }
std::optional<exit_status> process::try_wait() { return state_ ? state_->try_wait() : exit_status(); }
exit_status process::wait() { return state_ ? *state_->wait_until(std::nullopt) : exit_status(); }

std::optional<exit_status> process::wait_for(std::chrono::nanoseconds timeout) {
  return state_ ? state_->wait_until(detail::from_now(timeout)) : exit_status();
}

bool process::kill(int signal) noexcept { return state_ && state_->kill(signal); }
std::string process::stderr_tail() const { return state_ ? state_->errors().tail() : std::string(); }

std::uint64_t worker_seed() {
  static unsigned of_generation = ~0u;
  static std::uint64_t seed = 0;
  if (of_generation != detail::generation()) {
    if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = static_cast<std::uint64_t>(::getpid()) << 32;
    of_generation = detail::generation();
  }
  return seed;
}

}  // namespace procx::inline v1
