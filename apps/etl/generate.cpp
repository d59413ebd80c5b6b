#include "generate.hpp"

#include "console/display.hpp"
#include "console/failure.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <new>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace etl {
namespace {

/// Where a generated log goes, packed or not.
class log_output {
 public:
  log_output(std::string const& name, bool gzip) : name_(name), gzip_(gzip) {
    fd_ = name == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                      : ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd_ < 0) fail();
    constexpr int fast = 4, gzip_with_largest_window = 16 + MAX_WBITS, memory = 8;
    if (gzip_ && ::deflateInit2(&stream_, fast, Z_DEFLATED, gzip_with_largest_window, memory, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  log_output(log_output const&) = delete;
  log_output& operator=(log_output const&) = delete;
  ~log_output() {
    if (gzip_) ::deflateEnd(&stream_);
    ::close(fd_);
  }

  /// Returns false once the reader has closed the output.
  bool write(std::string& text, bool is_end) {
    if (!gzip_) return put(text);
    std::string packed(::deflateBound(&stream_, text.size()), '\0');
    stream_.next_in = reinterpret_cast<unsigned char*>(text.data());
    stream_.avail_in = static_cast<unsigned>(text.size());
    stream_.next_out = reinterpret_cast<unsigned char*>(packed.data());
    stream_.avail_out = static_cast<unsigned>(packed.size());
    ::deflate(&stream_, is_end ? Z_FINISH : Z_NO_FLUSH);
    packed.resize(packed.size() - stream_.avail_out);
    return put(packed);
  }

 private:
  bool put(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t const n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EPIPE) return false;
      if (n < 0) fail();
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  [[noreturn]] void fail() const {
    throw console::failure(fmt::format("cannot write {}: {}", console::shown_path(name_), std::strerror(errno)));
  }

  std::string name_;
  bool gzip_;
  int fd_;
  z_stream stream_ = {};
};

epoch_seconds day_of(std::string const& text) {
  using namespace std::chrono;
  int y = 0, length = 0;
  unsigned m = 0, d = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2u%n", &y, &m, &d, &length) == 3 && text.size() == static_cast<std::size_t>(length))
    if (year_month_day const date{year(y), month(m), day(d)}; date.ok() && y >= 1970)
      return sys_days(date).time_since_epoch() / std::chrono::seconds(1);
  throw console::failure(fmt::format("{} is no day: it is to look like 2026-03-28", text));
}

}  // namespace

int generate(generate_options options) {
  constexpr std::size_t block = std::size_t{1} << 20;
  options.traffic.begin = day_of(options.begin);
  traffic source(options.traffic);
  log_output out(options.output, options.gzip);
  std::string text;
  for (std::uint64_t i = 0; i < options.lines; ++i) {
    source.add_line(text);
    if (text.size() < block) continue;
    if (!out.write(text, false)) return console::done;
    text.clear();
  }
  out.write(text, true);
  return console::done;
}

}  // namespace etl
