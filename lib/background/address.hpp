#pragma once

#include "system/descriptor.hpp"
#include "system/file_identity.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace procx::inline v1::detail {

/// A path of a UNIX socket: the folder, which is open, and the name there. So the path may be longer than what a socket's address
/// has room for, and what is done at it later is done in the same folder.
class address {
 public:
  /// Throws connection_error if there is no such folder, std::invalid_argument if the path names no file.
  explicit address(std::filesystem::path const& path);

  /// Absolute.
  std::filesystem::path const& path() const noexcept { return path_; }
  std::string const& name() const noexcept { return name_; }
  descriptor& folder() noexcept { return folder_; }
  int folder_fd() const noexcept { return folder_.get(); }

  /// The connection to who listens there, a process of this user or of root. Throws connection_error.
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

/// An address that belongs to this process, by a lock on the file NAME.lock that ends with it. Gives back at the end what is
/// this process's own: the socket, the log if nothing is in it, and the lock, in this order.
class address_claim {
 public:
  /// Throws connection_error if a live process has the address, or something is there that is no socket.
  explicit address_claim(address const& at);
  address_claim(address_claim const&) = delete;
  address_claim& operator=(address_claim const&) = delete;
  ~address_claim() { give_back(); }

  /// From now on what this process and its children write goes to NAME.log.
  void redirect_output();
  /// A socket that does not block and has the path; it listens before it can be seen there.
  descriptor listen();
  void give_back() noexcept;

 private:
  void lock();
  void refuse_others() const;
  bool somebody_listens() const;
  [[noreturn]] void fail(std::string const& what, int why) const;

  address const& at_;
  descriptor lock_;
  file_identity socket_;
  bool listens_ = false;
  bool logs_ = false;
};

}  // namespace procx::inline v1::detail
