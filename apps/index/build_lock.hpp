#pragma once

#include <string>

namespace indexer {

/// The right to write an index: one process at a time has it.
///
/// It is a lock on the file `<index>-lock`, which the system takes back when the process ends, however it ends. The
/// destructor removes the file; one that was left behind does no harm.
class build_lock {
 public:
  /// Throws failure: `busy` if another process has the lock, `failed` if the place cannot be written.
  explicit build_lock(std::string const& index);
  build_lock(build_lock const&) = delete;
  build_lock& operator=(build_lock const&) = delete;
  ~build_lock();

  static std::string file_for(std::string const& index);

 private:
  bool is_current() const;

  std::string path_;
  int fd_ = -1;
};

}  // namespace indexer
