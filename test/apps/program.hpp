#pragma once

#include "support/sandbox.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/// How a program ended and what it said.
struct ended {
  int code = 0;  ///< exit code, or 128 and the signal
  std::string out;
  std::string err;
};

struct program_options {
  bool unprivileged = false;      ///< if this is root, be nobody
  std::size_t memory = 0;         ///< limit of private memory in bytes; 0 = none
  std::size_t descriptors = 0;         ///< limit of open files; 0 = none
  sandbox::refusal refused = {};  ///< system calls that are answered with an error
  int out = -1;                   ///< where its output goes, instead of into `ended`
};

/// A program under test, in a process group of its own.
class program {
 public:
  explicit program(std::vector<std::string> const& args, program_options const& options = {})
      : out_(::memfd_create("out", MFD_CLOEXEC)), err_(::memfd_create("err", MFD_CLOEXEC)) {
    std::vector<char*> argv;
    for (std::string const& a : args) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    int const image = ::open(argv[0], O_RDONLY | O_CLOEXEC);
    BOOST_REQUIRE_MESSAGE(image >= 0, args[0] + " is not there");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      for (int signal : {SIGINT, SIGTERM, SIGPIPE, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::signal(signal, SIG_DFL);
      ::dup2(::open("/dev/null", O_RDONLY), 0);
      ::dup2(options.out >= 0 ? options.out : out_, 1);
      ::dup2(err_, 2);
      for (auto const& [resource, most] : {std::pair(RLIMIT_DATA, options.memory), {RLIMIT_NOFILE, options.descriptors}}) {
        rlimit const limit{most, most};
        if (most) ::setrlimit(resource, &limit);
      }
      uid_t const nobody = 65534;
      if (options.unprivileged && ::getuid() == 0 &&
          (::setgroups(0, nullptr) || ::setresgid(nobody, nobody, nobody) || ::setresuid(nobody, nobody, nobody)))
        ::_exit(126);
      if (!sandbox::refuse(options.refused)) ::_exit(125);
      ::fexecve(image, argv.data(), environ);
      ::_exit(127);
    }
    ::setpgid(pid_, pid_);
    ::close(image);
  }
  program(program const&) = delete;
  program& operator=(program const&) = delete;
  ~program() {
    if (!status_) signal_all(SIGKILL), wait();
    ::close(out_);
    ::close(err_);
  }

  pid_t pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }
  void signal_all(int number) const { ::kill(-pid_, number); }

  /// Whether it has ended, without waiting.
  bool over() {
    int status = 0;
    if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
    return status_.has_value();
  }

  ended wait() {
    int status = 0;
    if (!status_ && ::waitpid(pid_, &status, 0) == pid_) status_ = status;
    int const s = status_.value();
    return {WIFEXITED(s) ? WEXITSTATUS(s) : 128 + WTERMSIG(s), text_of(out_), text_of(err_)};
  }

 private:
  static std::string text_of(int fd) {
    std::string text(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)), '\0');
    text.resize(static_cast<std::size_t>(::pread(fd, text.data(), text.size(), 0)));
    return text;
  }

  int out_, err_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

/// Waits until the condition holds; false if that takes too long.
inline bool eventually(std::function<bool()> const& condition) {
  for (int i = 0; i < 20'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(250));
  }
  return false;
}

/// The processes that a process has created, and those that they have: ancestors first.
inline std::vector<pid_t> descendants(pid_t of) {
  std::vector<std::pair<pid_t, pid_t>> parents;
  for (auto const& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t const pid = std::atoi(entry.path().filename().c_str());
    if (pid == 0) continue;
    std::ifstream file(entry.path() / "stat");
    std::string const stat((std::istreambuf_iterator<char>(file)), {});
    char state = 0;
    pid_t parent = 0;
    if (auto const name_end = stat.rfind(')'); name_end != stat.npos) {
      std::istringstream(stat.substr(name_end + 1)) >> state >> parent;
      if (state != 'Z') parents.emplace_back(parent, pid);
    }
  }
  std::vector<pid_t> all{of};
  for (std::size_t i = 0; i < all.size(); ++i)
    for (auto const& [parent, pid] : parents)
      if (parent == all[i]) all.push_back(pid);
  all.erase(all.begin());
  return all;
}
