#include "system/file_identity.hpp"

#include <sys/stat.h>

namespace procx::inline v1::detail {

file_identity::file_identity(int fd) noexcept {
  struct stat s {};
  if (::fstat(fd, &s) != 0) return;
  device_ = s.st_dev;
  inode_ = s.st_ino;
}

bool file_identity::is(int fd) const noexcept {
  file_identity const now(fd);
  return inode_ != 0 && now.device_ == device_ && now.inode_ == inode_;
}

}  // namespace procx::inline v1::detail
