#include "jobs/job_record.hpp"

#include "system/generation.hpp"
#include "system/io.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/wire/portable.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::string_view magic = "procx job 1\n";

[[noreturn]] void fail(address const& at, char const* what, int why) {
  throw boost::system::system_error(why, boost::system::system_category(), at.path().string() + ": " + what);
}

/// Empty, with errno, if it cannot be opened.
descriptor open_beside(address const& at, std::string const& name, int flags) {
  auto const held = hold_forks();
  int const fd = ::openat(at.folder_fd(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return {};
  return descriptor::take(fd, "job");
}

/// What errno says, or 0.
int write_file(descriptor const& file, std::span<std::byte const> bytes) noexcept {
  if (!file) return errno;
  while (!bytes.empty()) {
    auto const w = write_to_file(file.get(), bytes);
    if (w.error) return w.error.value();
    bytes = bytes.subspan(w.bytes);
  }
  return 0;
}

}  // namespace

void append_record(buffer& out, job_record const& r) {
  auto const bytes = encode_portable(r);
  out.append(bytes.data(), bytes.size());
}

job_record parse_record(std::span<std::byte const> bytes) { return decode_portable<job_record>(bytes); }

void write_record(address const& at, job_record const& r) {
  buffer bytes;
  bytes.append(reinterpret_cast<std::byte const*>(magic.data()), magic.size());
  append_record(bytes, r);
  std::string const name = at.name() + ".job", before = ".procx-job-" + at.name();
  int why = write_file(open_beside(at, before, O_WRONLY | O_CREAT | O_TRUNC), bytes);
  if (!why && ::renameat(at.folder_fd(), before.c_str(), at.folder_fd(), name.c_str()) != 0) why = errno;
  if (!why) return;
  ::unlinkat(at.folder_fd(), before.c_str(), 0);
  descriptor const old = open_beside(at, name, O_WRONLY);
  struct stat s {};
  bool const fits = old && ::fstat(old.get(), &s) == 0 && static_cast<std::size_t>(s.st_size) == bytes.size();
  if (!fits || write_file(old, bytes) != 0) fail(at, "cannot write what is known of the job", why);
}

std::optional<job_record> read_record(address const& at) {
  descriptor const file = open_beside(at, at.name() + ".job", O_RDONLY);
  if (!file) {
    if (errno == ENOENT) return std::nullopt;
    fail(at, "cannot read what is known of the job", errno);
  }
  struct stat s {};
  if (::fstat(file.get(), &s) == 0 && s.st_uid != ::geteuid() && ::geteuid() != 0)
    throw connection_error("the job at " + at.path().string() + " is another user's",
                           {EPERM, boost::system::system_category()});
  buffer bytes;
  std::array<std::byte, 4096> piece;
  for (;;) {
    auto const r = read_some(file.get(), piece);
    if (r.end || r.error) break;
    bytes.append(piece.data(), r.bytes);
  }
  std::string_view const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
  if (!text.starts_with(magic)) throw protocol_error(at.path().string() + ".job tells of no job that this program knows");
  return parse_record(bytes.bytes().subspan(magic.size()));
}

bool has_owner(address const& at) {
  descriptor const lock = open_beside(at, at.name() + ".lock", O_RDONLY);
  if (!lock) return false;
  if (::flock(lock.get(), LOCK_SH | LOCK_NB) == 0) return false;
  return errno == EWOULDBLOCK;
}

std::int64_t microseconds_now() {
  auto const since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

job_status status_of(address const& at, job_record const& r, bool lives) {
  auto const time = [](std::int64_t t) { return std::chrono::system_clock::time_point(std::chrono::microseconds(t)); };
  job_status s;
  s.address = at.path();
  s.state = r.ended ? job_state::ended : lives ? job_state::running : job_state::lost;
  if (r.ended) s.status = exit_status::from_wait(r.how, r.value);
  s.command = r.command;
  s.folder = r.folder;
  s.terminal = r.terminal;
  s.pid = static_cast<pid_t>(r.pid);
  s.supervisor = static_cast<pid_t>(r.supervisor);
  s.processes = static_cast<std::size_t>(r.processes);
  s.output = r.output;
  s.began = time(r.began);
  s.ended = time(r.ended);
  return s;
}

}  // namespace procx::inline v1::detail
