#include "file_input.hpp"

#include "console/failure.hpp"
#include "text_table.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace etl {

file_input::~file_input() {
  if (fd_ >= 0) ::close(fd_);
}

void file_input::open() {
  fd_ = ::open(file_.name.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status = {};
  if (fd_ < 0 || ::fstat(fd_, &status) != 0) throw std::system_error(errno, std::system_category());
  if (status.st_ino != file_.inode || status.st_dev != file_.device)
    throw std::system_error(ESTALE, std::system_category(), "another file has taken its place");
  size_ = file_.size;
  if (at_ > 0) at_ = line_from(at_);  // a last line without line feed may have been counted, and the file have grown since
}

std::string_view file_input::read(std::uint64_t offset, std::size_t most) const {
  buffer_.resize(most);
  ssize_t n = -1;
  do n = ::pread(fd_, buffer_.data(), most, static_cast<off_t>(offset));
  while (n < 0 && errno == EINTR);
  if (n < 0) throw std::system_error(errno, std::system_category());
  return std::string_view(buffer_).substr(0, static_cast<std::size_t>(n));
}

/// Where a line begins, at this place or behind it.
std::uint64_t file_input::line_from(std::uint64_t offset) const {
  std::size_t most = 1024;
  for (std::uint64_t at = offset - 1; at < size_; most = std::size_t{256} << 10) {
    std::string_view const bytes = read(at, most);
    if (auto const feed = bytes.find('\n'); feed != bytes.npos) return std::min(at + feed + 1, size_);
    if (bytes.empty()) break;
    at += bytes.size();
  }
  return size_;
}

chunk file_input::make() {
  chunk made = new_chunk(std::min(at_, size_));
  if (at_ >= size_) {
    made.last = true;
    return made;
  }
  std::uint64_t const border = next_border(at_);
  made.end = border < size_ ? line_from(border) : size_;
  made.weight = made.end - made.begin;
  made.in_file = true;
  made.device = file_.device;
  made.inode = file_.inode;
  made.path = file_.name;
  made.may_grow = made.end == size_;
  time_ = time_in(read(at_, 1024)).value_or(time_);
  at_ = made.end;
  return made;
}

bool is_continued(known_file const& file) {
  if (file.offset == 0 || file.tail_size == 0) return true;
  int const fd = ::open(file.name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::system_category());
  std::string tail(file.tail_size, '\0');
  ssize_t const n = ::pread(fd, tail.data(), tail.size(), static_cast<off_t>(file.offset - file.tail_size));
  ::close(fd);
  return n == static_cast<ssize_t>(tail.size()) && hash_of(tail) == file.tail_hash;
}

}  // namespace etl
