#include "redis.hpp"

#include "measure.hpp"
#include "race.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

constexpr int not_found = 127;

/// Returns −1 if no server listens at the path.
int connected(std::string const& path) {
  int const socket = static_cast<int>(check_call(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  path.copy(to.sun_path, sizeof to.sun_path - 1);
  if (::connect(socket, reinterpret_cast<sockaddr const*>(&to), sizeof to) == 0) return socket;
  ::close(socket);
  return -1;
}

}  // namespace

redis_server::redis_server() {
  std::string name = (std::filesystem::temp_directory_path() / "procx-redis.XXXXXX").string();
  check(::mkdtemp(name.data()) != nullptr, "no folder for Redis");
  folder_ = name;
  socket_ = folder_ + "/socket";
  pid_ = static_cast<pid_t>(check_call(::fork(), "fork"));
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int const nothing = ::open("/dev/null", O_RDWR);
    for (int const fd : {0, 1, 2}) ::dup2(nothing, fd);
    ::execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_.c_str(), "--save", "", "--appendonly", "no",
             "--dir", folder_.c_str(), nullptr);
    ::_exit(not_found);
  }
  for (int fd = -1; (fd = connected(socket_)) < 0;) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      std::filesystem::remove_all(folder_);
      if (WIFEXITED(status) && WEXITSTATUS(status) == not_found) throw unavailable("there is no redis-server");
      check(false, "Redis has ended");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

redis_server::~redis_server() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  std::filesystem::remove_all(folder_);
}

redis_client::redis_client(std::string const& socket) : socket_(connected(socket)) { check(socket_ >= 0, "no Redis"); }

redis_client::~redis_client() { ::close(socket_); }

void redis_client::send(std::string_view commands) {
  while (!commands.empty())
    commands.remove_prefix(static_cast<std::size_t>(check_call(::send(socket_, commands.data(), commands.size(), MSG_NOSIGNAL), "send")));
}

std::string redis_client::line() {
  for (;;) {
    auto const end = arrived_.find("\r\n", taken_);
    if (end != arrived_.npos) {
      std::string text = arrived_.substr(taken_, end - taken_);
      taken_ = end + 2;
      return text;
    }
    arrived_.erase(0, taken_);
    taken_ = 0;
    std::array<char, 16384> some;
    auto const n = check_call(::recv(socket_, some.data(), some.size(), 0), "recv");
    check(n > 0, "Redis has hung up");
    arrived_.append(some.data(), static_cast<std::size_t>(n));
  }
}

/// An array of the list's name and the element: "*2", "$4", name, "$1", element.
std::string redis_client::popped() {
  check(line() == "*2", "a bad reply");
  line(), line(), line();
  return line();
}

}  // namespace bench
