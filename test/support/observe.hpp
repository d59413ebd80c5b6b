// What can be seen of processes from outside: children, descriptors, memory that several of them share.
#pragma once

#include "support/processes.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace observe {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool instrumented = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool instrumented = true;
#else
inline constexpr bool instrumented = false;
#endif
#else
inline constexpr bool instrumented = false;
#endif

inline std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

/// Sets a limit, of address space or of the size of files, a gigabyte above what this process has; not for good, unless it
/// is to be hard.
inline bool limit_to_little_more(int resource, bool hard = true) {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlim_t const little_more = (rlim_t{1} << 30) + (resource == RLIMIT_AS ? pages * 4096 : 0);
  rlimit l{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &l);
  l.rlim_cur = little_more;
  if (hard) l.rlim_max = little_more;
  return ::setrlimit(static_cast<__rlimit_resource>(resource), &l) == 0;
}

/// Whether this process has any child, running or to be reaped.
inline bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/// The fourth field of /proc/<pid>/stat; 0 if there is no such process.
inline pid_t parent_of(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(stat, line);
  auto const end = line.rfind(')');
  return end == std::string::npos ? 0 : static_cast<pid_t>(std::stol(line.substr(end + 4)));
}

/// The processes whose parent it is, and that were not reaped.
inline std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> all;
  std::error_code none;
  for (auto const& task : std::filesystem::directory_iterator("/proc/" + std::to_string(parent) + "/task", none)) {
    std::ifstream children(task.path() / "children");
    for (pid_t pid = 0; children >> pid;) all.push_back(pid);
  }
  return all;
}

/// Waits until the process has ended, whoever's child it is; whether it has within ten seconds.
inline bool has_ended(pid_t pid) {
  processes::own_fd const fd = processes::pidfd_of(pid);
  return fd.get() < 0 ? errno == ESRCH : processes::readable(fd.get());
}

/// Each case leaves no child, no zombie and no descriptor behind.
struct leaves_nothing {
  std::size_t const descriptors = open_descriptors();

  void teardown() const {
    BOOST_TEST(!has_children());
    BOOST_TEST(open_descriptors() == descriptors);
  }
};

/// A value in memory that is shared with every process forked from here on.
template <class T>
class shared {
 public:
  template <class... Args>
  explicit shared(Args&&... args) {
    void* const memory = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    value_ = new (memory) T(std::forward<Args>(args)...);
  }
  shared(shared const&) = delete;
  ~shared() { ::munmap(value_, sizeof(T)); }

  T& operator*() const noexcept { return *value_; }
  T* operator->() const noexcept { return value_; }

 private:
  T* value_;
};

/// A door that processes forked from here on can wait at.
class gate {
 public:
  gate() {
    if (opened_ < 0 || keys_ < 0) throw std::bad_alloc();
  }
  gate(gate const&) = delete;
  ~gate() {
    open();
    ::close(opened_);
    ::close(keys_);
  }

  void wait() const {
    for (;;) {
      pollfd both[]{{opened_, POLLIN, 0}, {keys_, POLLIN, 0}};
      ::poll(both, 2, -1);
      eventfd_t one;
      if (both[0].revents || ::eventfd_read(keys_, &one) == 0) return;
    }
  }
  /// Lets so many through that wait, or will.
  void let_through(unsigned count) const { ::eventfd_write(keys_, count); }
  /// For all, for good.
  void open() const { ::eventfd_write(opened_, 1); }

 private:
  int opened_ = ::eventfd(0, EFD_CLOEXEC);
  int keys_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
};

}  // namespace observe
