#include "daemon/service_manager.hpp"

#include "system/generation.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr int first_passed = 3;  // SD_LISTEN_FDS_START

std::string taken_out(char const* name) {
  char const* const value = std::getenv(name);
  std::string const text = value ? value : "";
  ::unsetenv(name);
  return text;
}

long number_in(std::string const& text) {
  long number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

bool is_for_us(std::string const& pid) { return number_in(pid) == ::getpid(); }

std::optional<int> option_of(int socket, int which) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(socket, SOL_SOCKET, which, &value, &size) != 0) return std::nullopt;
  return value;
}

}  // namespace

service_manager::service_manager() : notify_(taken_out("NOTIFY_SOCKET")) {
  std::string const listen_pid = taken_out("LISTEN_PID"), descriptors = taken_out("LISTEN_FDS");
  std::string const watchdog_pid = taken_out("WATCHDOG_PID"), interval = taken_out("WATCHDOG_USEC");
  taken_out("LISTEN_FDNAMES");
  if (is_for_us(listen_pid)) passed_ = static_cast<int>(number_in(descriptors));
  if (watchdog_pid.empty() || is_for_us(watchdog_pid)) watchdog_ = std::chrono::microseconds(number_in(interval));
}

descriptor service_manager::take_socket() {
  if (passed_ <= 0) return {};
  if (passed_ > 1) throw connection_error("the service manager has passed several sockets to a daemon, which has one");
  bool const is_fit = option_of(first_passed, SO_DOMAIN) == AF_UNIX && option_of(first_passed, SO_TYPE) == SOCK_STREAM &&
                      option_of(first_passed, SO_ACCEPTCONN) == 1;
  if (!is_fit) throw connection_error("what the service manager has passed is no UNIX stream socket that listens");
  ::fcntl(first_passed, F_SETFD, FD_CLOEXEC);
  set_nonblocking(first_passed, true);
  passed_ = 0;
  auto const held = hold_forks();
  return descriptor::take(first_passed, "socket");
}

void service_manager::tell(std::string_view news) const noexcept {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (notify_.empty() || notify_.size() >= sizeof to.sun_path) return;
  std::memcpy(to.sun_path, notify_.data(), notify_.size());
  if (notify_[0] == '@') to.sun_path[0] = '\0';  // in the abstract namespace
  int const socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return;
  auto const size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_.size());
  ::sendto(socket, news.data(), news.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr const*>(&to), size);
  ::close(socket);
}

}  // namespace procx::inline v1::detail
