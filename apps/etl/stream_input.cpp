#include "stream_input.hpp"

#include "digester.hpp"
#include "text_table.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace etl {

stream_input::stream_input(first_look look, known_file file, std::uint64_t number, std::uint64_t chunk_size)
    : input(std::move(file), number, chunk_size, look.time), reader_(std::move(look.opened)), packed_(look.is_packed) {
  if (reader_) buffer_ = std::move(look.head);
}

bool stream_input::read_more(std::size_t most) {
  std::size_t const before = buffer_.size();
  if (!reader_->problem()) reader_->read(buffer_, most);
  return buffer_.size() > before;
}

void stream_input::open() {
  if (!reader_) {
    int const fd = ::open(file_.name.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::system_category());
    reader_ = std::make_unique<byte_reader>(fd);
  }
  if (file_.offset > 0) pass_over();
}

/// Goes to where the last run came to, and on to the beginning of a line.
void stream_input::pass_over() {
  constexpr std::size_t step = std::size_t{1} << 20;
  std::uint64_t const kept = file_.tail_size;
  while (at_ + buffer_.size() < file_.offset) {
    if (buffer_.size() > kept + step) {
      std::size_t const gone = buffer_.size() - kept;
      buffer_.erase(0, gone);
      at_ += gone;
    }
    std::uint64_t const left = file_.offset - at_ - buffer_.size();
    if (!read_more(static_cast<std::size_t>(std::min<std::uint64_t>(step, left)))) break;
  }
  if (at_ + buffer_.size() < file_.offset) {  // it is shorter now: all that is there has been counted
    at_ = file_.offset;
    buffer_.clear();
    return;
  }
  std::size_t const here = static_cast<std::size_t>(file_.offset - at_);
  if (kept > 0 && hash_of(std::string_view(buffer_).substr(here - kept, kept)) != file_.tail_hash) {
    problem_ = "it begins like a file that was counted before, and is another one";
    at_ = file_.offset;
    buffer_.clear();
    return;
  }
  bool const in_line = here > 0 && buffer_[here - 1] != '\n';
  buffer_.erase(0, here);
  at_ = file_.offset;
  while (in_line) {
    auto const feed = buffer_.find('\n');
    std::size_t const gone = feed == buffer_.npos ? buffer_.size() : feed + 1;
    buffer_.erase(0, gone);
    at_ += gone;
    if (feed != buffer_.npos || !read_more(step)) break;
  }
}

/// How many bytes of the buffer are lines that begin before `wanted`: at least that, if there is as much. A line of which there is more
/// than the longest one may have ends the chunk, and the rest of it is discarded.
std::size_t stream_input::find_end(std::uint64_t wanted, std::uint64_t& discarded) {
  constexpr std::size_t step = std::size_t{256} << 10;
  while (buffer_.size() < wanted && read_more(static_cast<std::size_t>(wanted) - buffer_.size())) continue;
  if (buffer_.size() < wanted) return buffer_.size();
  for (std::size_t from = static_cast<std::size_t>(wanted) - 1;;) {
    auto const feed = buffer_.find('\n', from);
    if (feed != buffer_.npos) return feed + 1;
    from = buffer_.size();
    if (from >= wanted + longest_line + 1) break;
    if (!read_more(step)) return buffer_.size();
  }
  std::string const kept = std::exchange(buffer_, {});
  std::size_t feed = buffer_.npos;
  while (feed == buffer_.npos && read_more(step)) {
    feed = buffer_.find('\n');
    std::size_t const gone = feed == buffer_.npos ? buffer_.size() : feed + 1;
    buffer_.erase(0, gone);
    discarded += gone;
  }
  buffer_.insert(0, kept);
  return kept.size();
}

chunk stream_input::make() {
  chunk made = new_chunk(at_);
  std::uint64_t discarded = 0;
  std::size_t const size = problem_.empty() ? find_end(next_border(at_) - at_, discarded) : 0;
  made.weight = reader_->taken() - weighed_;
  weighed_ = reader_->taken();
  if (size == 0) {
    made.last = true;
    made.problem = problem_.empty() ? reader_->problem().value_or("") : problem_;
    return made;
  }
  made.bytes = buffer_.substr(0, size);
  buffer_.erase(0, size);
  made.end = at_ += size + discarded;
  made.may_grow = reader_->problem().has_value();
  time_ = time_in(std::string_view(made.bytes).substr(0, 1024)).value_or(time_);
  return made;
}

}  // namespace etl
