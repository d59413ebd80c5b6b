#pragma once

#include "support/processes.hpp"
#include "support/scratch.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/// libpqxx 6.4 forgets the results of a COPY that has failed.
extern "C" __attribute__((used)) inline char const* __lsan_default_suppressions() { return "leak:libpqxx"; }

/// A server of PostgreSQL with a database of its own in a temporary folder, to be met at a socket there and nowhere else. It ends with
/// the test. Root may not run one: then the user postgres does.
class postgres_server {
 public:
  postgres_server() {
    if (::geteuid() == 0) {
      passwd const* const user = ::getpwnam("postgres");
      if (!user) throw std::runtime_error("PostgreSQL is not installed: there is no user postgres");
      user_ = user->pw_uid, group_ = user->pw_gid;
      if (::chown(folder_.path.c_str(), user_, group_) != 0) throw std::runtime_error("the folder of the database cannot be given away");
    }
    if (int const code = ended(run({"initdb", "-D", data(), "-U", "procx", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"})))
      throw std::runtime_error("initdb has ended with " + std::to_string(code) + ":\n" + log());
    start();
  }
  postgres_server(postgres_server const&) = delete;
  postgres_server& operator=(postgres_server const&) = delete;
  ~postgres_server() { stop(SIGINT); }

  std::string where() const { return "host=" + folder_.path.string() + " user=procx dbname=postgres"; }

  /// Returns when clients are served.
  void start() {
    pid_ = run({"postgres", "-D", data(), "-k", folder_.path, "-h", "", "-F", "-c", "max_connections=20"});
    for (auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(60);;) {
      std::ifstream in(std::filesystem::path(data()) / "postmaster.pid");
      std::string last;
      for (std::string line; std::getline(in, line);) last = line;
      if (last.starts_with("ready")) return;
      if (std::chrono::steady_clock::now() > end || ::waitpid(pid_, nullptr, WNOHANG) != 0)
        throw std::runtime_error("the server of PostgreSQL does not start:\n" + log());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  /// SIGINT: it breaks off what is under way, and ends in good order. SIGQUIT: it ends as if it had crashed.
  void stop(int signal) noexcept {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    (void)ended(std::exchange(pid_, 0));
  }

 private:
  std::string data() const { return folder_.path / "data"; }
  std::string log_file() const { return folder_.path / "log"; }
  std::string log() const {
    std::ifstream in(log_file());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// /usr/lib/postgresql/15/bin, as Debian has it.
  static std::filesystem::path programs() {
    std::filesystem::path best;
    for (auto const& version : std::filesystem::directory_iterator("/usr/lib/postgresql"))
      if (std::filesystem::exists(version.path() / "bin/initdb")) best = std::max(best, version.path() / "bin");
    return best;
  }
  pid_t run(std::vector<std::string> words) const {
    words[0] = programs() / words[0];
    std::vector<char*> arguments;
    for (std::string& w : words) arguments.push_back(w.data());
    arguments.push_back(nullptr);
    std::string const file = log_file();
    pid_t const parent = ::getpid(), pid = ::fork();
    if (pid != 0) return pid;
    if (user_ != 0 && (::setgroups(0, nullptr) != 0 || ::setgid(group_) != 0 || ::setuid(user_) != 0)) ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGINT);
    if (::getppid() != parent) ::_exit(125);
    int const log = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  static int ended(pid_t pid) noexcept {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  scratch_directory folder_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t pid_ = 0;
};
