#include "pipeline/files/gzip_reader.hpp"

#include <procx/error/errc.hpp>

#include <algorithm>
#include <limits>
#include <new>
#include <string>
#include <utility>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t fetched_at_once = 64 * 1024;
constexpr unsigned char first_magic = 0x1f;

}  // namespace

gzip_reader::gzip_reader(input_file const& file) : zlib_(zlib_library::get()), file_(file), compressed_(fetched_at_once) {
  if (zlib_.inflate_init2(&stream_, zlib_library::gzip_window, zlib_.version(), sizeof stream_) != zlib_library::ok)
    throw std::bad_alloc();
}

gzip_reader::~gzip_reader() { zlib_.inflate_end(&stream_); }

std::size_t gzip_reader::read(std::span<char> into) {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  room_ = static_cast<unsigned>(std::min<std::size_t>(into.size(), std::numeric_limits<unsigned>::max()));
  stream_.next_out = reinterpret_cast<unsigned char*>(into.data());
  stream_.avail_out = room_;
  try {
    while (stream_.avail_out > 0 && begin_member()) inflate_some();
  } catch (...) {
    if (stream_.avail_out == room_) throw;
    failure_ = std::current_exception();
  }
  std::size_t const got = room_ - stream_.avail_out;
  given_ += got;
  return got;
}

/// False at the end of the file, if that is one of a member.
bool gzip_reader::begin_member() {
  if (in_member_) return true;
  while (stream_.avail_in > 0 || fill()) {
    if (*stream_.next_in == first_magic) {
      if (!is_first_) zlib_.inflate_reset(&stream_);
      is_first_ = false;
      return in_member_ = true;
    }
    if (is_first_ || *stream_.next_in != 0) fail("has something behind its end that is not compressed");
    ++stream_.next_in;
    --stream_.avail_in;
  }
  return false;
}

void gzip_reader::inflate_some() {
  if (stream_.avail_in == 0 && !fill()) fail("is cut off");
  int const code = zlib_.inflate(&stream_, zlib_library::no_flush);
  if (code == zlib_library::stream_end)
    in_member_ = false;
  else if (code != zlib_library::ok && code != zlib_library::buffer_error)
    fail("is damaged");
}

bool gzip_reader::fill() {
  std::size_t const n = file_.read_at(fetched_, compressed_);
  fetched_ += n;
  stream_.next_in = reinterpret_cast<unsigned char const*>(compressed_.data());
  stream_.avail_in = static_cast<unsigned>(n);
  return n > 0;
}

void gzip_reader::fail(char const* what) const {
  std::string why = what + (" at byte " + std::to_string(fetched_ - stream_.avail_in));
  if (stream_.msg) why += std::string(" (") + stream_.msg + ')';
  file_.fail(errc::protocol_error, why + ", behind " + std::to_string(given_ + room_ - stream_.avail_out) + " bytes of content");
}

}  // namespace procx::inline v1::detail
