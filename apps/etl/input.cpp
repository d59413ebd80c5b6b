#include "input.hpp"

#include "byte_reader.hpp"
#include "digester.hpp"
#include "file_input.hpp"
#include "stream_input.hpp"
#include "text_table.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace etl {
namespace {

int open_to_read(std::string const& name) {
  int const fd = name == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::system_category());
  return fd;
}

}  // namespace

std::optional<epoch_seconds> time_in(std::string_view lines) {
  log_time times;
  for (std::size_t at = lines.find('['); at != lines.npos; at = lines.find('[', at + 1))
    if (auto const time = times.read(lines.substr(at + 1))) return time;
  return std::nullopt;
}

first_look look_at(std::string const& name) {
  first_look look;
  look.file.name = name;
  int const fd = open_to_read(name);
  struct stat status = {};
  if (::fstat(fd, &status) != 0 || S_ISDIR(status.st_mode)) {
    int const error = S_ISDIR(status.st_mode) ? EISDIR : errno;
    ::close(fd);
    throw std::system_error(error, std::system_category());
  }
  auto reader = std::make_unique<byte_reader>(fd);
  reader->read(look.head, head_bytes);
  bool const regular = S_ISREG(status.st_mode);
  look.is_packed = reader->is_gzip();
  look.is_stream = look.is_packed || !regular || name == "-";
  look.time = time_in(look.head).value_or(0);
  if (regular) {
    look.size = static_cast<std::uint64_t>(status.st_size);
    if (name != "-") {
      look.file.device = status.st_dev;
      look.file.inode = status.st_ino;
      look.file.size = look.size;
      look.file.modified = status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
    }
  }
  look.file.head_size = look.head.size();
  look.file.head_hash = hash_of(look.head);
  if (name == "-" || !regular) look.opened = std::move(reader);
  return look;
}

std::unique_ptr<input> make_input(first_look look, known_file file, std::uint64_t number, std::uint64_t chunk_size) {
  if (!look.is_stream) return std::make_unique<file_input>(std::move(file), number, chunk_size, look.time);
  return std::make_unique<stream_input>(std::move(look), std::move(file), number, chunk_size);
}

chunk input::new_chunk(std::uint64_t begin) const {
  chunk made;
  made.input = number_;
  made.begin = made.end = begin;
  return made;
}

std::optional<chunk> input::take() {
  if (over_) return std::nullopt;
  if (!ahead_) ahead_ = look_ahead();
  chunk next = *std::exchange(ahead_, std::nullopt);
  next.number = chunks_++;
  over_ = next.last;
  given_ = next.end;
  if (!over_) ahead_ = look_ahead();
  return next;
}

/// What cannot be read ends the input behind what could be.
chunk input::look_ahead() try {
  if (!std::exchange(opened_, true)) open();
  return make();
} catch (std::system_error const& e) {
  return end_with(e.what());
}

chunk input::end_with(std::string problem) const {
  chunk end = new_chunk(given_);
  end.last = true;
  end.problem = std::move(problem);
  return end;
}

}  // namespace etl
