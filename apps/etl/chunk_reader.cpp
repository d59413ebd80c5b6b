#include "chunk_reader.hpp"

#include "console/display.hpp"
#include "text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace etl {

chunk_reader::chunk_reader(chunk_reader&& other) noexcept
    : digester_(std::move(other.digester_)),
      last_line_(other.last_line_),
      most_(other.most_),
      buffer_(std::move(other.buffer_)),
      path_(std::move(other.path_)),
      device_(other.device_),
      inode_(other.inode_),
      fd_(std::exchange(other.fd_, -1)) {}

chunk_reader::~chunk_reader() {
  if (fd_ >= 0) ::close(fd_);
}

void chunk_reader::open(chunk const& what) {
  if (fd_ >= 0 && what.inode == inode_ && what.device == device_ && what.path == path_) return;
  if (fd_ >= 0) ::close(fd_);
  path_ = what.path;
  fd_ = ::open(what.path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status = {};
  if (fd_ < 0 || ::fstat(fd_, &status) != 0)
    throw std::runtime_error(fmt::format("{}: {}", console::shown_path(what.path), std::strerror(errno)));
  device_ = status.st_dev;
  inode_ = status.st_ino;
  if (inode_ != what.inode || device_ != what.device)
    throw std::runtime_error(fmt::format("{}: another file has taken its place", console::shown_path(what.path)));
}

std::string_view chunk_reader::bytes_of(chunk const& what) {
  if (!what.in_file) return what.bytes;
  open(what);
  auto const size = static_cast<std::size_t>(std::min(what.end - what.begin, most_));
  if (buffer_.size() < size) buffer_.resize(size);
  for (std::size_t have = 0; have < size;) {
    ssize_t const n = ::pread(fd_, buffer_.data() + have, size - have, static_cast<off_t>(what.begin + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw std::runtime_error(fmt::format("{}: {}", console::shown_path(what.path), std::strerror(errno)));
    if (n == 0) throw std::runtime_error(fmt::format("{}: it has become shorter", console::shown_path(what.path)));
    have += static_cast<std::size_t>(n);
  }
  return std::string_view(buffer_).substr(0, size);
}

/// A last line without line feed counts if it can be read. Otherwise it may be the beginning of one that is being written.
std::string_view chunk_reader::without_beginning_of_line(std::string_view lines, bool& unfinished) {
  auto const feed = lines.rfind('\n');
  std::string_view const tail = lines.substr(feed == lines.npos ? 0 : feed + 1);
  log_line ignored;
  unfinished = !tail.empty() && tail.size() <= longest_line && last_line_.read(tail, ignored) != flaw::none;
  return unfinished ? lines.substr(0, lines.size() - tail.size()) : lines;
}

chunk_result chunk_reader::read(chunk const& what) {
  chunk_result result;
  result.input = what.input;
  result.number = what.number;
  result.begin = what.begin;
  result.end = what.end;
  result.weight = what.weight;
  result.last = what.last;
  result.problem = what.problem;
  if (what.last) return result;
  std::string_view lines = bytes_of(what);
  if (what.may_grow) lines = without_beginning_of_line(lines, result.unfinished);
  result.counts = digester_.read(lines);
  if (result.unfinished) result.end = what.begin + lines.size();
  if (result.end - result.begin == lines.size()) {  // else the end of the last line was not read
    result.tail_size = std::min<std::uint64_t>(tail_bytes, lines.size());
    result.tail_hash = hash_of(lines.substr(lines.size() - static_cast<std::size_t>(result.tail_size)));
  }
  return result;
}

}  // namespace etl
