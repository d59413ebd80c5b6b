#include "pipeline/output_file.hpp"

#include "system/generation.hpp"
#include "system/io.hpp"

#include <procx/pipeline/destination.hpp>

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procx::inline v1::detail {

void throw_not_written(std::string const& path, int why) {
  boost::system::error_code const code(why, boost::system::system_category());
  throw destination_error(code, path, "cannot be written: " + code.message());
}

descriptor open_output(std::string const& path, int flags) {
  auto const held = hold_forks();
  int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | flags, 0666);
  if (fd < 0) throw_not_written(path, errno);
  return descriptor::take(fd, "file");
}

std::uint64_t size_of(descriptor const& file, std::string const& path) {
  struct stat s {};
  if (::fstat(file.get(), &s) != 0) throw_not_written(path, errno);
  if (!S_ISREG(s.st_mode)) throw_not_written(path, EINVAL);
  return static_cast<std::uint64_t>(s.st_size);
}

void write_at(descriptor const& file, std::uint64_t offset, std::span<std::byte const> bytes, std::string const& path) {
  int why = ::lseek(file.get(), static_cast<off_t>(offset), SEEK_SET) < 0 ? errno : 0;
  while (!bytes.empty() && !why) {
    auto const r = write_to_file(file.get(), bytes);
    why = r.error.value();
    bytes = bytes.subspan(r.bytes);
  }
  if (!why) return;
  static_cast<void>(::ftruncate(file.get(), static_cast<off_t>(offset)));
  throw_not_written(path, why);
}

void cut(descriptor const& file, std::uint64_t size, std::string const& path) {
  if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) throw_not_written(path, errno);
}

void sync(descriptor const& file, std::string const& path) {
  if (::fdatasync(file.get()) != 0) throw_not_written(path, errno);
}

}  // namespace procx::inline v1::detail
