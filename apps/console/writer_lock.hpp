#pragma once

#include <string>

namespace console {

/// The right to write a file: one process at a time has it.
///
/// It is a lock on the file `<file>-lock`, which the system takes back when the process ends, however it ends. The
/// destructor removes the file; one that was left behind does no harm.
class writer_lock {
 public:
  /// Throws failure: `busy` if another process has the lock, `failed` if the place cannot be written.
  /// `what` is what such a process does, for that message: "build".
  writer_lock(std::string const& file, std::string const& what);
  writer_lock(writer_lock const&) = delete;
  writer_lock& operator=(writer_lock const&) = delete;
  ~writer_lock();

  static std::string file_for(std::string const& file);

 private:
  bool is_current() const;

  std::string path_;
  int fd_ = -1;
};

}  // namespace console
