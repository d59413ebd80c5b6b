#include "byte_reader.hpp"

#include "console/interruption.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include <poll.h>
#include <unistd.h>

namespace etl {

struct byte_reader::inflater {
  inflater() {
    constexpr int gzip_with_largest_window = 16 + MAX_WBITS;
    if (::inflateInit2(&stream, gzip_with_largest_window) != Z_OK) throw std::bad_alloc();
  }
  inflater(inflater const&) = delete;
  inflater& operator=(inflater const&) = delete;
  ~inflater() { ::inflateEnd(&stream); }

  z_stream stream = {};
  bool in_member = true;
};

byte_reader::byte_reader(int fd) : fd_(fd) {
  try {
    while (packed_.size() < 2 && !end_) fill();
    gzip_ = packed_.starts_with("\x1f\x8b");
    if (gzip_) inflater_ = std::make_unique<inflater>();
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

byte_reader::~byte_reader() { ::close(fd_); }

/// Adds what is there. A signal that interrupts the program ends the input: the wait for input notices it at once, or within a second.
void byte_reader::fill() {
  constexpr std::size_t most = std::size_t{256} << 10;
  packed_.erase(0, at_);
  at_ = 0;
  pollfd waited{fd_, POLLIN, 0};
  while (::poll(&waited, 1, 1000) <= 0)
    if (console::interruption() != 0) {
      end_ = true;
      return;
    }
  std::size_t const before = packed_.size();
  packed_.resize(before + most);
  ssize_t n = -1;
  do n = ::read(fd_, packed_.data() + before, most);
  while (n < 0 && errno == EINTR);
  int const error = errno;
  packed_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (n < 0) throw std::system_error(error, std::system_category());
  end_ = n == 0;
  taken_ += static_cast<std::size_t>(n);
}

void byte_reader::read(std::string& to, std::size_t most) {
  std::size_t const before = to.size();
  to.resize(before + most);
  std::size_t have = 0;
  while (have < most) {
    if (at_ == packed_.size() && !end_) fill();
    std::size_t got = 0;
    if (gzip_) {
      got = unpack(to.data() + before + have, most - have);
    } else {
      got = std::min(most - have, packed_.size() - at_);
      std::memcpy(to.data() + before + have, packed_.data() + at_, got);
      at_ += got;
    }
    have += got;
    if (got == 0 && at_ == packed_.size() && end_) break;
    if (problem_) break;
  }
  to.resize(before + have);
}

/// Behind a member may come another one, or zeros, with which tapes are filled up.
bool byte_reader::next_member() {
  while (at_ < packed_.size() && packed_[at_] == '\0') ++at_;
  if (at_ == packed_.size()) return false;
  if (packed_[at_] != '\x1f') {
    problem_ = fmt::format("what follows byte {} is no gzip", taken_ - (packed_.size() - at_));
    return false;
  }
  ::inflateReset(&inflater_->stream);
  return inflater_->in_member = true;
}

std::size_t byte_reader::unpack(char* to, std::size_t size) {
  if (problem_ || (!inflater_->in_member && !next_member())) return 0;
  z_stream& stream = inflater_->stream;
  stream.next_in = reinterpret_cast<unsigned char*>(packed_.data() + at_);
  stream.avail_in = static_cast<unsigned>(packed_.size() - at_);
  stream.next_out = reinterpret_cast<unsigned char*>(to);
  stream.avail_out = static_cast<unsigned>(size);
  int const result = ::inflate(&stream, Z_NO_FLUSH);
  at_ = packed_.size() - stream.avail_in;
  std::size_t const got = size - stream.avail_out;
  if (result == Z_STREAM_END)
    inflater_->in_member = false;
  else if (result == Z_BUF_ERROR || result == Z_OK) {
    if (got == 0 && end_ && at_ == packed_.size()) problem_ = fmt::format("cut off at byte {}", taken_);
  } else
    problem_ = fmt::format("damaged before byte {}: {}", taken_ - (packed_.size() - at_),
                           stream.msg ? stream.msg : "bad data");
  return got;
}

}  // namespace etl
