#pragma once

#include "system/descriptor.hpp"
#include "system/file_identity.hpp"
#include "system/io.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace procx::inline v1::detail {

/// The path of a UNIX socket, as an open folder and a file name in it. So the path may be longer than the 107 bytes of a
/// socket address, and later operations use the same folder even if it was renamed.
class address {
 public:
  /// Throws connection_error if there is no such folder, std::invalid_argument if the path names no file.
  explicit address(std::filesystem::path const& path);

  /// Absolute.
  std::filesystem::path const& path() const noexcept { return path_; }
  std::string const& name() const noexcept { return name_; }
  descriptor& folder() noexcept { return folder_; }
  int folder_fd() const noexcept { return folder_.get(); }

  /// Connects to the process that listens there. Throws connection_error if there is none, or if it belongs to another user
  /// than this one and root.
  descriptor connect() const;
  /// The last `most` bytes of the file NAME.log in the folder.
  std::string end_of_log(std::size_t most) const;

 private:
  std::filesystem::path path_;
  std::string name_;
  descriptor folder_;
};

/// Whether the process at the other end belongs to this user, or to root.
bool is_of_same_user(int socket) noexcept;

/// Exclusive ownership of an address, by a lock on the file NAME.lock. The system releases the lock when the process ends.
/// `give_back` removes the files: the socket if it is still this process's own, the log if it is empty, and last the lock.
class address_claim {
 public:
  /// Throws connection_error if a live process has the address, or if the path names a file that is not a socket.
  explicit address_claim(address const& at);
  /// Owns nothing until `claim` or `take_over`.
  struct later {};
  address_claim(address const& at, later) : at_(at) {}
  address_claim(address_claim const&) = delete;
  address_claim& operator=(address_claim const&) = delete;
  ~address_claim() { give_back(); }

  /// Throws as the constructor.
  void claim();

  /// Redirects standard output and error to NAME.log.
  void redirect_output();
  /// Returns a non-blocking socket that is bound to the path. It listens before it is visible there.
  descriptor listen();
  /// Returns true if the path still names the socket that `listen` has bound.
  bool is_at_path() const;
  /// Returns a descriptor that becomes readable when the socket is removed, renamed or replaced: that of inotify(7).
  descriptor watch() const;
  /// After the socket was removed: as `listen`. Throws connection_error if the path is taken, or another process has the lock.
  descriptor listen_again();
  void give_back() noexcept;

  /// For another process, which takes the address over with its lock and its listening socket: this is the lock.
  int lock_fd() const noexcept { return lock_.get(); }
  /// The files are that process's from now on.
  void pass_on() noexcept;
  /// By that process. Returns a socket that listens at the path: the one that was passed, unless somebody has removed it there.
  descriptor take_over(descriptor lock, descriptor listener);

 private:
  void lock();
  bool try_to_lock();
  void note_socket();
  void refuse_others() const;
  bool is_alive(deadline until) const;
  [[noreturn]] void fail(std::string const& what, int why) const;

  address const& at_;
  descriptor lock_;
  file_identity socket_;
  bool listens_ = false;
  bool logs_ = false;
};

}  // namespace procx::inline v1::detail
