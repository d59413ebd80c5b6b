#include "aside_file.hpp"

#include "console/display.hpp"
#include "console/failure.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace etl {
namespace {

[[noreturn]] void fail(std::string const& path) {
  throw console::failure(fmt::format("cannot write {}: {}", console::shown_path(path), std::strerror(errno)));
}

}  // namespace

aside_file::aside_file(std::string const& path, std::uint64_t length) : path_(path), length_(length) {
  struct stat status = {};
  if (::stat(path_.c_str(), &status) == 0) {
    if (length_ > 0 && static_cast<std::uint64_t>(status.st_size) < length_)
      throw console::failure(fmt::format("{} has become shorter than the database says", console::shown_path(path_)));
    open();
  } else if (length_ > 0) {
    length_ = 0;  // it was taken away: a new one begins
  }
}

aside_file::~aside_file() {
  if (fd_ >= 0) ::close(fd_);
}

void aside_file::open() {
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd_ < 0 || ::ftruncate(fd_, static_cast<off_t>(length_)) != 0) fail(path_);
}

void aside_file::add(known_file const& file, std::uint64_t begin, digest const& counts, flawed_line const& line) {
  fmt::format_to(std::back_inserter(waiting_), "{}\t{}\t{}\t{}\t", console::shown_path(file.name), file.lines + line.line + 1,
                 begin + line.offset, describe(line.why));
  waiting_ += counts.text_of(line.text);
  waiting_ += '\n';
  if (waiting_.size() >= std::size_t{1} << 20) write();
}

void aside_file::write() {
  if (waiting_.empty()) return;
  if (fd_ < 0) open();
  for (std::size_t at = 0; at < waiting_.size();) {
    ssize_t const n = ::pwrite(fd_, waiting_.data() + at, waiting_.size() - at, static_cast<off_t>(length_ + at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path_);
    at += static_cast<std::size_t>(n);
  }
  length_ += waiting_.size();
  waiting_.clear();
  dirty_ = true;
}

std::uint64_t aside_file::sync() {
  write();
  if (dirty_ && ::fdatasync(fd_) != 0) fail(path_);
  dirty_ = false;
  return length_;
}

}  // namespace etl
