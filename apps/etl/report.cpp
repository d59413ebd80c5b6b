#include "report.hpp"

#include "database.hpp"
#include "page.hpp"
#include "report_data.hpp"

#include "console/display.hpp"
#include "console/failure.hpp"
#include "console/output.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace etl {
namespace {

/// The page is there as a whole or, if it cannot be written, as it was before.
void replace_file(std::string const& path, std::string const& content) {
  std::string const next = path + ".new";
  int const fd = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool good = fd >= 0;
  for (std::size_t at = 0; good && at < content.size();) {
    ssize_t const n = ::write(fd, content.data() + at, content.size() - at);
    if (n < 0 && errno == EINTR) continue;
    good = n >= 0;
    at += static_cast<std::size_t>(good ? n : 0);
  }
  int const error = errno;
  if (fd >= 0) ::close(fd);
  errno = error;
  if (good && std::rename(next.c_str(), path.c_str()) == 0) return;
  std::string const why = std::strerror(errno);
  if (fd >= 0) ::unlink(next.c_str());
  throw console::failure(fmt::format("cannot write {}: {}", console::shown_path(path), why));
}

}  // namespace

void write_report(std::string const& database, std::string const& page, std::string const& title, std::chrono::milliseconds wait) {
  SQLite::Database from = open_to_read(database, wait);
  std::string const name = title.empty() ? "Access logs: " + database.substr(database.rfind('/') + 1) : title;
  std::string const content = make_page(name, report_data(from, name));
  if (page == "-")
    console::print(content);
  else
    replace_file(page, content);
}

}  // namespace etl
