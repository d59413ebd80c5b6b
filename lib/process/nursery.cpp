#include "process/nursery.hpp"

#include "process/fork.hpp"
#include "process/nursery_protocol.hpp"
#include "system/stop_level.hpp"
#include "system/fd_passing.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <new>
#include <string>
#include <utility>

#include <linux/types.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::chrono::seconds patience{10};  // a nursery that takes longer to answer is of no use, whatever it does
constexpr std::chrono::seconds patience_if_stopped{1};

[[noreturn]] void fail(int why, char const* what) {
  throw boost::system::system_error(why, boost::system::system_category(), what);
}

/// By a signal or a debugger.
bool is_stopped(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  std::size_t const end = text.rfind(") ");
  return end != std::string::npos && end + 2 < text.size() && (text[end + 2] == 'T' || text[end + 2] == 't');
}

/// Kernels from 6.15 on tell how a process ended that somebody else has reaped, to whoever holds its pidfd
/// (PIDFD_GET_INFO with PIDFD_INFO_EXIT).
exit_status ask_kernel(int pidfd) noexcept {
  struct pidfd_info {
    __u64 mask, cgroupid;
    __u32 pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    __s32 exit_code;
  } info{};
  constexpr __u64 exit_known = 1u << 3;
  info.mask = exit_known;
  if (::ioctl(pidfd, _IOWR(0xFF, 11, pidfd_info), &info) != 0 || !(info.mask & exit_known)) return {};
  if (WIFEXITED(info.exit_code)) return exit_status::of_code(WEXITSTATUS(info.exit_code));
  if (WIFSIGNALED(info.exit_code)) return exit_status::of_signal(WTERMSIG(info.exit_code), WCOREDUMP(info.exit_code));
  return {};
}

}  // namespace

std::shared_ptr<nursery> nursery::make(body_function body, std::function<void()> if_abandoned) {
  auto made = std::make_shared<nursery>(passkey());
  auto [here, there] = make_socket_pair(SOCK_SEQPACKET);
  std::array<descriptor*, 1> const keep{&there};
  fork_plan const plan{.keep = keep, .capture_stderr = false, .death_signal = SIGTERM};
  pid_t const maker = ::getpid();
  made->process_ = fork_process(plan, [&] {
    bool const dismissed = run_nursery(there, maker, body);
    if (!dismissed && if_abandoned) if_abandoned();
    return 0;
  });
  made->control_ = std::move(here);
  return made;
}

nursery::~nursery() {
  if (!process_ || process_->foreign()) {
    (void)process_.release();
    return;
  }
  dismiss();
  if (!process_->wait_until(std::chrono::steady_clock::now() + std::chrono::seconds(1))) {
    process_->kill(SIGKILL);  // stopped, or starved
    process_->wait_until(std::nullopt);
  }
}

void nursery::dismiss() noexcept {
  if (std::exchange(dismissed_, true)) return;
  send_packet(control_.get(), std::span(&dismissal, 1), {});
  ::shutdown(control_.get(), SHUT_WR);
}

/// What is captured of the new process comes from the descriptor that is returned.
descriptor nursery::send_order(std::span<std::byte const> message, std::vector<descriptor> descriptors, captured what) {
  if (broken_) fail(EPIPE, "the nursery has died");
  std::pair<descriptor, descriptor> errors;
  if (what != captured::nothing) {
    errors = make_pipe();
    descriptors.push_back(std::move(errors.second));
  }
  std::vector<std::byte> order(order_head);
  signal_bits const signals = stop_signals();
  order[0] = static_cast<std::byte>(what);
  std::memcpy(&order[1], &signals, sizeof signals);
  order.insert(order.end(), message.begin(), message.end());
  std::vector<int> numbers;
  for (descriptor const& d : descriptors) numbers.push_back(d.get());
  if (!send_packet(control_.get(), order, numbers)) {
    broken_ = true;
    fail(EPIPE, "the nursery has died");
  }
  return std::move(errors.first);
}

/// Throws system_error if the answer is that there is none.
std::unique_ptr<process_state> nursery::child_of(nursery_answer const& answer, std::vector<descriptor>& with,
                                                 descriptor errors, child_table room) {
  if (answer.news == nursery_news::not_started) fail(answer.code, "cannot fork");
  if (with.empty()) fail(EMFILE, "the nursery sent no pidfd");
  if (answer.pid <= 1) fail(EPROTO, "what the nursery says makes no sense");
  auto child = room.extract(room.begin());
  child.key() = answer.pid;
  children_.erase(answer.pid);  // one that had the number before
  children_.insert(std::move(child));
  return std::make_unique<process_state>(answer.pid, std::move(with.front()), std::move(errors), shared_from_this());
}

std::unique_ptr<process_state> nursery::spawn(std::span<std::byte const> message, std::vector<descriptor> descriptors,
                                              captured what) {
  std::lock_guard const lock(mutex_);
  // Before the order is sent: what is answered must not be lost for want of memory.
  child_table room;
  room.try_emplace(0);
  std::vector<descriptor> with;
  with.reserve(2 * most_descriptors_passed);
  nursery_answer answer{nursery_news::ended};
  deadline const until = std::chrono::steady_clock::now() + patience;
  descriptor errors = send_order(message, std::move(descriptors), what);
  bool ok = true;
  while (ok && answer.news == nursery_news::ended) ok = read_answer(answer, with, until);
  if (!ok) {
    broken_ = true;
    fail(EPIPE, "the nursery does not answer");
  }
  return child_of(answer, with, std::move(errors), std::move(room));
}

void nursery::order(std::span<std::byte const> message, std::vector<descriptor> descriptors, captured what, told then) {
  std::lock_guard const lock(mutex_);
  orders_.push_back({{}, {}, std::move(then)});
  try {
    orders_.back().room.try_emplace(0);
    orders_.back().errors = send_order(message, std::move(descriptors), what);
  } catch (...) {
    orders_.pop_back();
    throw;
  }
}

bool nursery::has_orders() const {
  std::lock_guard const lock(mutex_);
  return !orders_.empty();
}

void nursery::forget_orders() noexcept {
  std::unique_lock lock(mutex_);
  auto const forgotten = std::exchange(orders_, {});
  lock.unlock();
}

void nursery::hear() {
  std::unique_lock lock(mutex_);
  std::vector<descriptor> with;
  with.reserve(2 * most_descriptors_passed);
  nursery_answer answer{nursery_news::ended};
  heard what = heard::nothing;
  while ((what = read_packet(answer, with)) == heard::something) {
    if (answer.news == nursery_news::ended || orders_.empty()) continue;
    pending_order order = std::move(orders_.front());
    orders_.erase(orders_.begin());
    std::unique_ptr<process_state> child;
    std::exception_ptr why;
    try {
      child = child_of(answer, with, std::move(order.errors), std::move(order.room));
    } catch (...) {
      why = std::current_exception();
    }
    with.clear();
    lock.unlock();
    order.then(std::move(child), std::move(why));
    lock.lock();
  }
  if (what == heard::no_more) broken_ = true;
  if (broken_) fail_orders(lock);
}

bool nursery::give_up_if_late(std::chrono::steady_clock::time_point since) {
  std::unique_lock lock(mutex_);
  auto const waited = std::chrono::steady_clock::now() - since;
  if (waited < patience_if_stopped || (waited < patience && !is_stopped(process_->pid()))) return false;
  broken_ = true;
  fail_orders(lock);
  return true;
}

void nursery::fail_orders(std::unique_lock<std::mutex>& lock) {
  auto const failed = std::exchange(orders_, {});
  if (failed.empty()) return;
  lock.unlock();
  for (pending_order const& order : failed)
    order.then(nullptr, std::make_exception_ptr(boost::system::system_error(EPIPE, boost::system::system_category(),
                                                                            "the nursery does not answer")));
  lock.lock();
}

/// One packet, if there is one; what it says of an end is noted.
nursery::heard nursery::read_packet(nursery_answer& into, std::vector<descriptor>& with) {
  std::array<std::byte, nursery_answer::size> packet;
  auto const n = receive_packet(control_.get(), packet, with);
  if (n < 0 && errno == EAGAIN) return heard::nothing;
  if (n != static_cast<std::ptrdiff_t>(packet.size())) return heard::no_more;
  std::memcpy(&into, packet.data(), packet.size());
  if (into.news < nursery_news::started || into.news > nursery_news::ended) return heard::no_more;
  auto const known = children_.find(into.pid);
  if (into.news == nursery_news::ended && known != children_.end())
    known->second = {exit_status::from_wait(into.code, into.value),
                     {std::chrono::microseconds(std::max<std::int64_t>(0, into.cpu_us)),
                      static_cast<std::size_t>(std::max<std::int64_t>(0, into.peak_memory))}};
  return heard::something;
}

/// The next packet. False if there is none until then, or never will be.
bool nursery::read_answer(nursery_answer& into, std::vector<descriptor>& with, deadline until) {
  for (;;) {
    heard const what = read_packet(into, with);
    if (what != heard::nothing) return what == heard::something;
    pollfd readable{control_.get(), POLLIN, 0};
    auto const look = std::chrono::steady_clock::now() + patience_if_stopped;
    if (poll_until(std::span(&readable, 1), until ? std::min(*until, look) : look)) continue;
    if (is_stopped(process_->pid()) || (until && std::chrono::steady_clock::now() >= *until)) return false;
  }
}

bool nursery::kill(pid_t pid, int signal) noexcept {
  return send_packet(control_.get(), kill_order{.pid = pid, .signal = signal}.packed(), {});
}

std::optional<ending> nursery::ending_of(pid_t pid, int pidfd, bool waits) {
  std::lock_guard const lock(mutex_);
  if (broken_) process_->try_wait();  // nobody else would reap it before the end of the pool
  auto const child = children_.find(pid);
  if (child == children_.end()) return ending{ask_kernel(pidfd)};
  if (!child->second && !broken_ && !waits) return std::nullopt;
  deadline const until = std::chrono::steady_clock::now() + patience;
  nursery_answer answer{nursery_news::started};
  try {
    std::vector<descriptor> with;
    while (!child->second && !broken_)
      if (!read_answer(answer, with, until)) broken_ = true;
  } catch (std::bad_alloc const&) {
    // How it has ended stays unknown.
  }
  auto const end = child->second;
  children_.erase(child);
  return end ? *end : ending{ask_kernel(pidfd)};
}

}  // namespace procx::inline v1::detail
