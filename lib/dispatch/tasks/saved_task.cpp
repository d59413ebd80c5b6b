#include <procx/dispatch/saved_task.hpp>

#include "system/descriptor.hpp"
#include "system/generation.hpp"
#include "system/io.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <boost/core/demangle.hpp>
#include <boost/system/system_error.hpp>

#include <atomic>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::string_view first_line = "procx task 1\n";
std::atomic<unsigned> saved_so_far = 0;

[[noreturn]] void fail(std::filesystem::path const& file, char const* what) {
  throw std::filesystem::filesystem_error(what, file, std::error_code(errno, std::system_category()));
}

descriptor create(std::filesystem::path const& file) {
  auto const held = hold_forks();
  return descriptor::take(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "cannot save a task");
}

void write_file(std::filesystem::path const& file, std::span<std::byte const> bytes) {
  descriptor const out = create(file);
  while (!bytes.empty()) {
    auto const r = write_some(out.get(), bytes);
    if (r.error) {
      ::unlink(file.c_str());
      throw boost::system::system_error(r.error, "cannot save a task");
    }
    bytes = bytes.subspan(r.bytes);
  }
}

}  // namespace

std::filesystem::path saved_task::save(std::filesystem::path const& directory) const {
  std::filesystem::create_directories(directory);
  buffer bytes;
  bytes.append(first_line.data(), first_line.size());
  encode(bytes, *this);
  std::string const start = std::to_string(::getpid()) + '-';
  for (;;) {  // a program that had this pid earlier may have left some
    std::filesystem::path const file = directory / (start + std::to_string(++saved_so_far) + ".task");
    if (std::filesystem::exists(file)) continue;
    std::filesystem::path unfinished = file;
    unfinished += ".part";
    write_file(unfinished, bytes);
    if (::rename(unfinished.c_str(), file.c_str()) != 0) fail(file, "cannot save a task");
    return file;
  }
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
