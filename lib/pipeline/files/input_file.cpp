#include "pipeline/files/input_file.hpp"

#include "system/generation.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr unsigned what_is_asked = STATX_BASIC_STATS | STATX_BTIME;

boost::system::error_code last_error(int why = errno) { return {why, boost::system::system_category()}; }

/// Never waits: a FIFO is opened too, and then refused.
descriptor open_to_read(std::string const& path) {
  auto const held = hold_forks();
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) throw file_error(last_error(), path, "cannot be opened: " + last_error().message());
  return descriptor::take(fd, "file");
}

input_file::identity identity_of_status(struct statx const& s) noexcept {
  std::uint64_t const born = static_cast<std::uint64_t>(s.stx_btime.tv_sec) * 1'000'000'000U + s.stx_btime.tv_nsec;
  return {(std::uint64_t{s.stx_dev_major} << 32) | s.stx_dev_minor, s.stx_ino, s.stx_mask & STATX_BTIME ? born : 0};
}

}  // namespace

input_file::identity input_file::identity_of(std::string const& path) noexcept {
  struct statx s {};
  if (::statx(AT_FDCWD, path.c_str(), 0, what_is_asked, &s) != 0) return {};
  return identity_of_status(s);
}

input_file::input_file(std::string path) : path_(std::move(path)), file_(open_to_read(path_)) {
  struct statx s {};
  if (::statx(file_.get(), "", AT_EMPTY_PATH, what_is_asked, &s) != 0)
    fail(last_error(), "cannot be looked at: " + last_error().message());
  if (!S_ISREG(s.stx_mode)) {
    auto const code = last_error(S_ISDIR(s.stx_mode) ? EISDIR : EINVAL);
    fail(code, S_ISDIR(s.stx_mode) ? "is a directory" : "is no regular file");
  }
  size_ = s.stx_size;
  who_ = identity_of_status(s);
}

std::size_t input_file::read_at(std::uint64_t offset, std::span<char> into) const {
  std::size_t got = 0;
  while (got < into.size()) {
    ssize_t const n = ::pread(file_.get(), into.data() + got, into.size() - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      auto const why = last_error();
      fail(why, "cannot be read at " + std::to_string(offset + got) + ": " + why.message());
    }
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

std::string input_file::bytes_at(std::uint64_t offset, std::size_t size) const {
  std::string bytes(size, '\0');
  bytes.resize(read_at(offset, bytes));
  return bytes;
}

}  // namespace procx::inline v1::detail
