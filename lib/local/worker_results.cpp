#include "local/worker_results.hpp"

#include "system/io.hpp"

#include <procx/detail/wire/value_series.hpp>

#include <algorithm>

namespace procx::inline v1::detail {
namespace {

/// A flag that only the board sees: the length is that of one value, and the values go on to the end of the results.
constexpr std::uint8_t is_open = 0x80;

}  // namespace

bool worker_results::add(frame_kind kind, std::uint8_t flags, std::uint64_t number, std::span<std::byte const> payload) {
  close_series();
  std::size_t const length = payload.size();
  frame_header header{kind, flags, length, number};
  if (!has_room(length)) return write(header, payload);
  std::uint64_t const end = slot_.results_end.load(std::memory_order_relaxed);
  std::byte* const at = slot_.results.data() + end;
  if (kind == frame_kind::value && flags == 0 && length > 0) {
    header.kind = frame_kind::values;
    header.flags = is_open;
    length_ = length;
    count_ = 1;
    header_ = at;
    first_ = number;
  }
  header.write(at);
  copy_bytes(at + frame_header::size, payload.data(), length);
  slot_.results_end.store(end + frame_header::size + length, std::memory_order_release);
  return true;
}

bool worker_results::flush() {
  close_series();
  std::size_t const end = slot_.results_end.load(std::memory_order_relaxed);
  if (!write_all({slot_.results.data(), end})) return false;  // the parent will find them there
  change([&] { slot_.results_end.store(0, std::memory_order_release); });
  return true;
}

bool worker_results::write(frame_header const& header, std::span<std::byte const> payload) {
  std::byte bytes[frame_header::size];
  header.write(bytes);
  return write_all(bytes) && write_all(payload);
}

std::optional<frame> worker_results::next_of(std::span<std::byte const>& results) noexcept {
  if (results.size() < frame_header::size) return std::nullopt;
  frame_header const h = frame_header::read(results.data());
  auto rest = results.subspan(frame_header::size);
  std::optional<frame> next;
  if (h.flags & is_open) {
    std::size_t const count = h.length ? std::min(rest.size() / h.length, value_series::most) : 0;
    if (count == 0) return std::nullopt;
    value_series const series{value_series::first_id(h.id), h.length, count, rest.data()};
    next = frame{h.kind, 0, series.header().id, series.bytes()};
  } else {
    if (h.length > rest.size()) return std::nullopt;
    next = frame{h.kind, h.flags, h.id, rest.first(h.length)};
  }
  results = rest.subspan(next->payload.size());
  return next;
}

bool worker_results::write_all(std::span<std::byte const> bytes) {
  if (!pipe_file_.is(pipe_.get())) return false;  // a task has closed it, and the number may be its own file's
  while (!bytes.empty()) {
    auto const r = write_some(pipe_.get(), bytes);
    if (r.end || r.error) return false;
    bytes = bytes.subspan(r.bytes);
  }
  return true;
}

/// So that another frame may follow. If the worker is killed meanwhile, the frame is open still, or closed as a whole: the
/// word that closes it comes last.
void worker_results::close_series() noexcept {
  if (length_ == closed) return;
  frame_header const header = value_series{first_, length_, count_, nullptr}.header();
  change([&] {
    frame_header::write_id(header_, header.id);
    std::atomic_thread_fence(std::memory_order_release);
    header.write(header_);
  });
  length_ = closed;
}

/// Of what has been on the board already: whoever peeks meanwhile does not believe it.
template <class Change>
void worker_results::change(Change what) noexcept {
  std::uint64_t const epoch = slot_.results_epoch.load(std::memory_order_relaxed);
  slot_.results_epoch.store(epoch + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  what();
  slot_.results_epoch.store(epoch + 2, std::memory_order_release);
}

}  // namespace procx::inline v1::detail
