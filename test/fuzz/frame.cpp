// Bytes that arrive in pieces, as from a descriptor: frames come out, or a protocol_error, and never another byte.
#include <procx/error/exceptions.hpp>
#include <procx/detail/wire/value_series.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

using namespace procx::detail;

namespace {

void check(bool so) {
  if (!so) std::abort();
}

}  // namespace

void take_apart(frame const& f) {
  try {
    auto const values = value_series::of(f);
    check(values.bytes().data() == f.payload.data() && values.bytes().size() == f.payload.size());
    check(values.header().id == f.id && values.count > 0);
  } catch (procx::protocol_error const&) {
  }
}

/// The first byte says how large the pieces are, the second how large a frame may be; the rest arrives.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 2) return 0;
  std::size_t const piece = data[0] + 1u;
  std::size_t const limit = data[1] * 4u;
  auto const all = std::as_bytes(std::span(data, size)).subspan(2);

  frame_reader reader(limit);
  std::size_t taken = 0;
  buffer again;  // the frames that came, written once more
  try {
    for (std::size_t at = 0; at < all.size();) {
      auto const room = reader.prepare();
      std::size_t const n = std::min({piece, all.size() - at, room.size()});
      std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(at), n, room.begin());
      reader.commit(n);
      at += n;
      while (reader.has_next()) {
        auto const f = reader.next();
        check(f && f->payload.size() <= limit);
        taken += frame_header::size + f->payload.size();
        frame_writer(again).add(f->kind, f->id, f->payload, f->flags);
        if (f->kind == frame_kind::values) take_apart(*f);
      }
      check(!reader.next());
      check(taken + reader.pending() == at);
    }
  } catch (procx::protocol_error const&) {
  }
  check(again.size() == taken && std::equal(again.bytes().begin(), again.bytes().end(), all.begin()));
  return 0;
}
