#include "console/output.hpp"
#include "job_commands.hpp"
#include "job_places.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace px = procx;

namespace {

constexpr off_t piece = 64 * 1024;

/// Where the last lines of a file begin.
off_t begin_of_lines(int fd, off_t size, unsigned long lines) {
  std::string text;
  for (off_t end = size; end > 0;) {
    off_t const begin = std::max<off_t>(0, end - piece);
    text.resize(static_cast<std::size_t>(end - begin));
    if (::pread(fd, text.data(), text.size(), begin) != static_cast<ssize_t>(text.size())) return begin;
    for (std::size_t at = text.size(); at-- > 0;) {
      bool const last = begin + static_cast<off_t>(at) + 1 == size;  // the end of the last line begins no other
      if (text[at] == '\n' && !last && lines-- <= 1) return begin + static_cast<off_t>(at) + 1;
    }
    end = begin;
  }
  return 0;
}

void print_from(int fd, off_t at) {
  std::string text(static_cast<std::size_t>(piece), '\0');
  for (;;) {
    ssize_t const n = ::pread(fd, text.data(), text.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw std::system_error(errno, std::generic_category(), "cannot read the output of the job");
    if (n == 0) return;
    console::print(std::string_view(text).substr(0, static_cast<std::size_t>(n)));
    at += n;
  }
}

}  // namespace

int logs(logs_command const& c) {
  auto const address = job_at(c.address);
  (void)px::status_of_job(address);  // throws if there is none
  if (c.follow && !c.lines) {
    px::attach_job(address, {.output = STDOUT_FILENO});
    return 0;
  }
  int const fd = ::open((address.string() + ".log").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return 0;  // it has written nothing
  struct stat s {};
  if (fd < 0 || ::fstat(fd, &s) != 0) throw std::system_error(errno, std::generic_category(), "cannot read the output of the job");
  off_t const from = !c.lines ? 0 : *c.lines == 0 ? s.st_size : begin_of_lines(fd, s.st_size, *c.lines);
  print_from(fd, from);
  ::close(fd);
  return 0;
}
