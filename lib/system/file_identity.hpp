#pragma once

#include <sys/types.h>

namespace procx::inline v1::detail {

/// Which open file a descriptor stands for, by device and inode. Foreign code in this process may close a descriptor of
/// procx's, and its number then be given to a file of its own: who writes to a number asks first whether it is still that.
class file_identity {
 public:
  file_identity() noexcept = default;
  explicit file_identity(int fd) noexcept;

  /// One system call.
  bool is(int fd) const noexcept;

 private:
  dev_t device_ = 0;
  ino_t inode_ = 0;  // 0: of no file, which none is
};

}  // namespace procx::inline v1::detail
