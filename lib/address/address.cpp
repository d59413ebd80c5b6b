#include "address/address.hpp"

#include "system/generation.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <new>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr int waiting_connections = 4096;  // the system has a limit of its own
constexpr timeval connecting_time{10, 0};
constexpr std::chrono::seconds time_to_come_or_go{5};
constexpr std::chrono::seconds time_to_answer{2};
constexpr timespec a_moment{0, 1'000'000};

boost::system::error_code system_code(int why) { return {why, boost::system::system_category()}; }

/// The socket address of a file in an open folder, or, without a name, of a file opened with O_PATH. Always short.
sockaddr_un socket_address(int fd, std::string const& name = {}) {
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  std::string const text = "/proc/self/fd/" + std::to_string(fd) + (name.empty() ? "" : "/" + name);
  std::memcpy(a.sun_path, text.c_str(), std::min(text.size(), sizeof a.sun_path - 1));
  return a;
}

descriptor open_at(int folder, std::string const& name, int flags, char const* what) {
  auto const held = hold_forks();
  return descriptor::take(::openat(folder, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0600), what);
}

descriptor make_socket(int flags) {
  auto const held = hold_forks();
  return descriptor::take(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), "cannot make a socket");
}

bool is_named(int folder, std::string const& name, int fd) noexcept {
  struct stat of_name {}, of_fd {};
  return ::fstatat(folder, name.c_str(), &of_name, AT_SYMLINK_NOFOLLOW) == 0 && ::fstat(fd, &of_fd) == 0 &&
         of_name.st_dev == of_fd.st_dev && of_name.st_ino == of_fd.st_ino;
}

int connect_to(descriptor const& socket, sockaddr_un const& to) noexcept {
  int failed = -1;
  do failed = ::connect(socket.get(), reinterpret_cast<sockaddr const*>(&to), sizeof to);
  while (failed && errno == EINTR);
  return failed ? errno : 0;
}

}  // namespace

address::address(std::filesystem::path const& path) : path_(std::filesystem::absolute(path)), name_(path_.filename()) {
  if (name_.empty() || name_ == "." || name_ == "..")
    throw std::invalid_argument("\"" + path.string() + "\" is no name of a socket");
  try {
    auto const held = hold_forks();
    folder_ = descriptor::take(::open(path_.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "folder");
  } catch (boost::system::system_error const& e) {
    throw connection_error("no folder for the socket " + path_.string() + ": " + e.code().message(), e.code());
  }
}

bool is_of_same_user(int socket) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == ::geteuid() || peer.uid == 0);
}

descriptor address::connect() const {
  auto const nobody = [&](int why) {
    return connection_error("nobody listens at " + path_.string() + ": " + system_code(why).message(), system_code(why));
  };
  descriptor file;
  try {
    file = open_at(folder_.get(), name_, O_PATH, "socket");
  } catch (boost::system::system_error const& e) {
    throw nobody(e.code().value());
  }
  struct stat s {};
  if (::fstat(file.get(), &s) != 0 || !S_ISSOCK(s.st_mode)) throw nobody(ENOTSOCK);
  descriptor socket = make_socket(0);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &connecting_time, sizeof connecting_time);
  if (int const why = connect_to(socket, socket_address(file.get()))) throw nobody(why);
  if (!is_of_same_user(socket.get()))
    throw connection_error("who listens at " + path_.string() + " is another user's process", system_code(EPERM));
  return socket;
}

std::string address::end_of_log(std::size_t most) const {
  std::string text;
  try {
    auto const log = open_at(folder_.get(), name_ + ".log", O_RDONLY, "log");
    struct stat s {};
    if (::fstat(log.get(), &s) != 0) return text;
    text.resize(std::min(most, static_cast<std::size_t>(s.st_size)));
    auto const n = ::pread(log.get(), text.data(), text.size(), s.st_size - static_cast<off_t>(text.size()));
    text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  } catch (boost::system::system_error const&) {
    // There is none.
  }
  return text;
}

address_claim::address_claim(address const& at) : at_(at) { claim(); }

void address_claim::claim() {
  lock();
  try {
    refuse_others();
  } catch (...) {
    give_back();
    throw;
  }
}

void address_claim::fail(std::string const& what, int why) const {
  throw connection_error(at_.path().string() + ": " + what, system_code(why));
}

/// Two races. A process that ends removes its lock file: if another one has locked the removed file, it tries again. And a
/// process that holds the lock but is not alive is just starting or ending (the system closes the sockets of a killed process
/// before it releases the lock): wait for that, up to a limit.
void address_claim::lock() {
  auto const until = std::chrono::steady_clock::now() + time_to_come_or_go;
  while (!try_to_lock()) {
    if (is_alive(until) || std::chrono::steady_clock::now() > until)
      fail("a background process lives there already", EADDRINUSE);
    ::nanosleep(&a_moment, nullptr);
  }
}

/// False if another process has the lock.
bool address_claim::try_to_lock() {
  std::string const name = at_.name() + ".lock";
  do {
    try {
      lock_ = open_at(at_.folder_fd(), name, O_RDWR | O_CREAT, "lock");
    } catch (boost::system::system_error const& e) {
      fail("cannot open the file of its lock: " + e.code().message(), e.code().value());
    }
    int failed = -1;
    do failed = ::flock(lock_.get(), LOCK_EX | LOCK_NB);
    while (failed && errno == EINTR);
    if (failed) {
      int const why = errno;
      lock_.close();
      if (why != EWOULDBLOCK) fail("cannot lock: " + system_code(why).message(), why);
      return false;
    }
  } while (!is_named(at_.folder_fd(), name, lock_.get()));
  return true;
}

/// The owner of the lock may replace a stale socket, and nothing else.
void address_claim::refuse_others() const {
  struct stat s {};
  if (::fstatat(at_.folder_fd(), at_.name().c_str(), &s, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (!S_ISSOCK(s.st_mode)) fail("something is there that is no socket", EEXIST);
  if (is_alive(std::chrono::steady_clock::now() + time_to_answer)) fail("somebody listens there already", EADDRINUSE);
}

/// Whether a process accepts connections: it greets, or does not hang up in time. That a connection is possible proves nothing:
/// a child of a killed process, which is just being killed too, may still have a copy of the listening socket.
bool address_claim::is_alive(deadline until) const {
  descriptor file;
  try {
    file = open_at(at_.folder_fd(), at_.name(), O_PATH, "socket");
  } catch (boost::system::system_error const&) {
    return false;
  }
  auto const probe = make_socket(SOCK_NONBLOCK);
  int const why_not = connect_to(probe, socket_address(file.get()));
  if (why_not) return why_not != ECONNREFUSED && why_not != ENOENT;
  pollfd answer{probe.get(), POLLIN, 0};
  if (!poll_until(std::span(&answer, 1), until)) return true;
  std::byte first;
  return read_some(probe.get(), std::span(&first, 1)).bytes > 0;
}

void address_claim::redirect_output() {
  descriptor log;
  try {
    log = open_at(at_.folder_fd(), at_.name() + ".log", O_WRONLY | O_CREAT | O_APPEND, "log");
  } catch (boost::system::system_error const& e) {
    fail("cannot open its log: " + e.code().message(), e.code().value());
  }
  duplicate_onto(log.get(), STDOUT_FILENO);
  duplicate_onto(log.get(), STDERR_FILENO);
  logs_ = true;
}

descriptor address_claim::listen() {
  // A fixed temporary name: if a process was killed between bind and rename, the next one cleans up.
  std::string const before = ".procx-" + std::to_string(std::hash<std::string>()(at_.name()));
  ::unlinkat(at_.folder_fd(), before.c_str(), 0);
  descriptor socket = make_socket(SOCK_NONBLOCK);
  auto const name = socket_address(at_.folder_fd(), before);
  mode_t const mask = ::umask(0177);
  int const bound = ::bind(socket.get(), reinterpret_cast<sockaddr const*>(&name), sizeof name);
  int const why_not = errno;
  ::umask(mask);
  if (bound != 0) fail("cannot bind: " + system_code(why_not).message(), why_not);
  if (::listen(socket.get(), waiting_connections) != 0 ||
      ::renameat(at_.folder_fd(), before.c_str(), at_.folder_fd(), at_.name().c_str()) != 0) {
    int const why = errno;
    ::unlinkat(at_.folder_fd(), before.c_str(), 0);
    fail("cannot listen: " + system_code(why).message(), why);
  }
  note_socket();
  return socket;
}

void address_claim::note_socket() {
  socket_ = file_identity(open_at(at_.folder_fd(), at_.name(), O_PATH, "socket").get());
  listens_ = true;
}

void address_claim::pass_on() noexcept {
  lock_.close();
  listens_ = false;
}

descriptor address_claim::take_over(descriptor lock, descriptor listener) {
  lock_ = std::move(lock);
  struct stat s {};
  if (::fstatat(at_.folder_fd(), at_.name().c_str(), &s, AT_SYMLINK_NOFOLLOW) != 0) return listen_again();
  note_socket();
  set_nonblocking(listener.get(), true);
  return listener;
}

bool address_claim::is_at_path() const {
  try {
    return listens_ && socket_.is(open_at(at_.folder_fd(), at_.name(), O_PATH, "socket").get());
  } catch (boost::system::system_error const&) {
    return false;
  }
}

descriptor address_claim::watch() const {
  auto const file = open_at(at_.folder_fd(), at_.name(), O_PATH, "socket");
  std::string const name = "/proc/self/fd/" + std::to_string(file.get());
  descriptor watch;
  {
    auto const held = hold_forks();
    watch = descriptor::take(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "inotify");
  }
  if (::inotify_add_watch(watch.get(), name.c_str(), IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF) < 0)
    throw boost::system::system_error(errno, boost::system::system_category(), "cannot watch a socket");
  return watch;
}

/// Whoever removes all files of a folder removes the lock too.
descriptor address_claim::listen_again() {
  listens_ = false;
  bool const has_lock = lock_ && is_named(at_.folder_fd(), at_.name() + ".lock", lock_.get());
  if (!has_lock && !try_to_lock()) fail("another process has taken the address", EADDRINUSE);
  struct stat s {};
  if (::fstatat(at_.folder_fd(), at_.name().c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0) fail("the path was taken", EADDRINUSE);
  return listen();
}

void address_claim::give_back() noexcept {
  if (!lock_) return;
  try {
    if (is_at_path()) ::unlinkat(at_.folder_fd(), at_.name().c_str(), 0);
  } catch (std::bad_alloc const&) {
    // It is stale, then, and replaced by the next one.
  }
  struct stat log {};
  std::string const log_name = at_.name() + ".log", lock_name = at_.name() + ".lock";
  if (logs_ && ::fstat(STDERR_FILENO, &log) == 0 && log.st_size == 0 &&
      is_named(at_.folder_fd(), log_name, STDERR_FILENO))
    ::unlinkat(at_.folder_fd(), log_name.c_str(), 0);
  ::unlinkat(at_.folder_fd(), lock_name.c_str(), 0);
  lock_.close();
}

}  // namespace procx::inline v1::detail
