#include <procx/detail/dispatch/saved_task.hpp>

#include "system/descriptor.hpp"
#include "system/generation.hpp"
#include "system/io.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <boost/core/demangle.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::string_view first_line = "procx task 1\n";

[[noreturn]] void fail(std::filesystem::path const& file, char const* what, int why = errno) {
  throw std::filesystem::filesystem_error(what, file, std::error_code(why, std::system_category()));
}

/// A name for the process to be known by, and a number that no other process draws: directories are shared by containers,
/// whose processes have the same ids, and by machines.
std::string new_name() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) {
    static std::atomic<std::uint64_t> drawn = 0;
    auto const now = std::chrono::system_clock::now().time_since_epoch().count();
    number = static_cast<std::uint64_t>(now) * 0x9e3779b97f4a7c15u + ++drawn;
  }
  std::array<char, 48> name;
  std::snprintf(name.data(), name.size(), "%d-%016llx.task", ::getpid(), static_cast<unsigned long long>(number));
  return name.data();
}

/// Of a name that nobody has.
descriptor create(std::filesystem::path const& file) {
  auto const held = hold_forks();
  int const fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) fail(file, "cannot save a task");
  return descriptor::take(fd, "cannot save a task");
}

void write_file(std::filesystem::path const& file, std::span<std::byte const> bytes) {
  descriptor const out = create(file);
  while (!bytes.empty()) {
    auto const r = write_to_file(out.get(), bytes);
    if (r.error) {
      ::unlink(file.c_str());
      fail(file, "cannot save a task", r.error.value());
    }
    bytes = bytes.subspan(r.bytes);
  }
}

/// Gives the file this name, unless somebody has it. Where the file system cannot do that in one step, the file has two
/// names for a moment.
bool rename_to_new(std::filesystem::path const& from, std::filesystem::path const& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EEXIST && ::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return true;
  }
  int const why = errno;
  ::unlink(from.c_str());
  if (why == EEXIST) return false;
  fail(to, "cannot save a task", why);
}

std::filesystem::path unfinished(std::filesystem::path file) { return file += ".part"; }

}  // namespace

std::filesystem::path saved_task::save(std::filesystem::path const& directory) const {
  std::filesystem::create_directories(directory);
  buffer bytes;
  bytes.append(first_line.data(), first_line.size());
  encode(bytes, *this);
  for (;;) {
    std::filesystem::path const file = directory / new_name();
    write_file(unfinished(file), bytes);
    if (rename_to_new(unfinished(file), file)) return file;
  }
}

void saved_task::prepare(std::filesystem::path const& directory) {
  std::filesystem::create_directories(directory);
  std::filesystem::path const file = unfinished(directory / new_name());
  create(file);
  ::unlink(file.c_str());
}

saved_task saved_task::load(std::filesystem::path const& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) fail(file, "cannot read a saved task");
  std::string const text{std::istreambuf_iterator<char>(in), {}};
  if (!text.starts_with(first_line)) throw protocol_error(file.string() + " is not a saved task");
  return decode<saved_task>(std::as_bytes(std::span(text)).subspan(first_line.size()));
}

std::span<std::byte const> saved_blocks::find(std::uint64_t number, std::size_t size) {
  auto const at = blocks_.find(number);
  if (at == blocks_.end() || size > at->second.size()) throw protocol_error("a saved task is not whole");
  return std::span(at->second).first(size);
}

void refuse_to_replay(saved_task const& saved, char const* taken) {
  throw std::invalid_argument("the saved task was given " + boost::core::demangle(saved.type.c_str()) +
                              ", and is to be replayed with " + boost::core::demangle(taken) +
                              ": procx::replay<Arguments...>(file, fn) says what it was given");
}

}  // namespace procx::inline v1::detail
