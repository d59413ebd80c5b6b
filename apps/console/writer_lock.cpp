#include "console/writer_lock.hpp"

#include "console/display.hpp"
#include "console/failure.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace console {

std::string writer_lock::file_for(std::string const& file) { return file + "-lock"; }

writer_lock::writer_lock(std::string const& file, std::string const& what) : path_(file_for(file)) {
  do {
    if (fd_ >= 0) ::close(fd_);
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (fd_ < 0) throw failure(fmt::format("cannot write {}: {}", shown_path(file), std::strerror(errno)));

    struct flock whole = {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd_, F_SETLK, &whole) != 0) {
      int const error = errno;
      bool const held = error == EACCES || error == EAGAIN;
      bool const known = held && ::fcntl(fd_, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
      ::close(fd_);
      if (!held) throw failure(fmt::format("cannot lock {}: {}", shown_path(path_), std::strerror(error)));
      throw failure(fmt::format("another {} is writing {}{}; try again when it is done", what, shown_path(file),
                                known ? fmt::format(" (process {})", whole.l_pid) : std::string()),
                    busy);
    }
  } while (!is_current());
}

/// Between opening and locking, the one who had the lock may have removed the file: then the lock is on nothing.
bool writer_lock::is_current() const {
  struct stat mine, there;
  return ::fstat(fd_, &mine) == 0 && ::stat(path_.c_str(), &there) == 0 && mine.st_ino == there.st_ino &&
         mine.st_dev == there.st_dev;
}

writer_lock::~writer_lock() {
  struct stat status;
  bool const is_anybodys = ::fstat(fd_, &status) != 0 || status.st_size > 0;  // a file of the user's own, of this name
  if (!is_anybodys) ::unlink(path_.c_str());  // before the lock goes: nobody is to lock a file that is then removed
  ::close(fd_);
}

}  // namespace console
