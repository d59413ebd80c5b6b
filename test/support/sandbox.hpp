// A sandbox as containers and service managers make them: system calls that are answered with an error (seccomp(2)).
#pragma once

#include <cerrno>
#include <cstddef>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace sandbox {

struct refusal {
  std::vector<long> calls;
  int error = EPERM;  ///< 0: the call does nothing, and says that all went well
};

/// For this process and all that it creates, for good. False if this kernel has no filters.
inline bool refuse(refusal const& what) {
  if (what.calls.empty()) return true;
  std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (long const call : what.calls) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(what.error)));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog const program{static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// What sandboxes answer calls with that they do not know, or do not like.
inline constexpr int usual_errors[]{EPERM, EACCES, EINVAL, ENOSYS};

struct call {
  char const* name;
  long number;
};

/// What procx can do without.
inline constexpr call optional_calls[]{
    {"pidfd_open", SYS_pidfd_open}, {"pidfd_send_signal", SYS_pidfd_send_signal}, {"close_range", SYS_close_range},
    {"memfd_create", SYS_memfd_create}, {"membarrier", SYS_membarrier}, {"pwritev2", SYS_pwritev2},
    {"preadv2", SYS_preadv2}, {"signalfd4", SYS_signalfd4}, {"madvise", SYS_madvise}, {"munlock", SYS_munlock},
    {"eventfd2", SYS_eventfd2}, {"timerfd_create", SYS_timerfd_create}, {"getrandom", SYS_getrandom},
    {"setpgid", SYS_setpgid}, {"sigaltstack", SYS_sigaltstack}, {"sched_getaffinity", SYS_sched_getaffinity},
};

inline std::vector<long> all_optional_calls() {
  std::vector<long> all;
  for (call const& c : optional_calls) all.push_back(c.number);
  return all;
}

}  // namespace sandbox
