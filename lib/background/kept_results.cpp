#include "background/kept_results.hpp"

#include "system/io.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::uint64_t forgotten_at_once = std::uint64_t{16} << 20;

}  // namespace

kept_results::kept_results(std::size_t bytes_in_memory, std::size_t frame_limit, std::function<descriptor()> open_file)
    : most_(bytes_in_memory), open_file_(std::move(open_file)), reader_(frame_limit) {}

void kept_results::add(frame_kind kind, std::uint8_t flags, std::span<std::byte const> payload) {
  kept_result r{++last_id_, kind, flags, {}};
  if (behind_ == 0 && bytes_ + payload.size() + sizeof r <= most_) {
    r.payload = buffer(payload);
    bytes_ += cost_of(r);
    in_memory_.push_back(std::move(r));
    return;
  }
  frame_writer(tail_).add(kind, r.id, payload, flags);
  ++behind_;
  if (tail_.size() >= at_once) write_tail();
}

/// Bytes that the file does not take stay in the tail; the next `add` tries again.
void kept_results::write_tail() noexcept {
  try {
    if (!file_) {
      file_ = open_file_();
      read_ = written_ = forgotten_ = 0;
    }
    if (::lseek(file_.get(), static_cast<off_t>(written_), SEEK_SET) < 0) return;
  } catch (...) {
    return;
  }
  std::size_t done = 0;
  while (done < tail_.size()) {
    auto const r = write_to_file(file_.get(), tail_.bytes().subspan(done));
    if (r.error || r.end || r.would_block || r.bytes == 0) break;
    done += r.bytes;
  }
  written_ += done;
  tail_.drop_front(done);
}

void kept_results::read_more() {
  auto const room = reader_.prepare();
  if (read_ < written_) {
    std::size_t const most = std::min<std::uint64_t>(room.size(), written_ - read_);
    ssize_t n = -1;
    do n = ::pread(file_.get(), room.data(), most, static_cast<off_t>(read_));
    while (n < 0 && errno == EINTR);
    if (n <= 0)
      throw boost::system::system_error(n < 0 ? errno : EIO, boost::system::system_category(), "cannot read kept results");
    read_ += static_cast<std::uint64_t>(n);
    reader_.commit(static_cast<std::size_t>(n));
    forget_read();
  } else {
    std::size_t const n = std::min(room.size(), tail_.size());
    if (n) std::memcpy(room.data(), tail_.data(), n);
    tail_.drop_front(n);
    reader_.commit(n);
  }
}

/// Gives disk space of delivered results back to the system.
void kept_results::forget_read() noexcept {
  if (read_ == written_) {
    if (::ftruncate(file_.get(), 0) == 0) read_ = written_ = forgotten_ = 0;
  } else if (read_ - forgotten_ >= forgotten_at_once) {
    ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(forgotten_),
                static_cast<off_t>(read_ - forgotten_));
    forgotten_ = read_;
  }
}

std::optional<kept_result> kept_results::take() {
  if (!returned_.empty()) return std::move(returned_.extract(returned_.begin()).mapped());
  if (!in_memory_.empty()) {
    kept_result r = std::move(in_memory_.front());
    in_memory_.pop_front();
    bytes_ -= cost_of(r);
    return r;
  }
  if (behind_ == 0) return std::nullopt;
  while (!reader_.has_next()) read_more();
  auto const f = reader_.next();
  --behind_;
  return kept_result{f->id, f->kind, f->flags, buffer(f->payload)};
}

void kept_results::give_back(kept_result r) {
  auto const id = r.id;
  returned_.emplace(id, std::move(r));
}

}  // namespace procx::inline v1::detail
