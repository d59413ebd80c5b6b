// Whatever frames a new connection brings: the handshake is done with a greeting that fits, or says what is wrong; and it
// never changes its mind.
#include "endpoint/handshake.hpp"

#include <procx/error/exceptions.hpp>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>

using namespace procx::detail;

namespace {

void check(bool so) {
  if (!so) std::abort();
}

bool is_final(handshake::state s) { return s != handshake::state::awaiting; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 1) return 0;
  auto const what = static_cast<handshake::demand>(data[0] % 3);
  handshake h(greeting::own(7, 4096), what, handshake::clock::time_point());
  frame_reader reader(4096);
  auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  try {
    while (!bytes.empty()) {
      auto const room = reader.prepare();
      auto const n = std::min(room.size(), bytes.size());
      std::ranges::copy(bytes.first(n), room.begin());
      reader.commit(n);
      bytes = bytes.subspan(n);
      while (auto const f = reader.next()) {
        bool const over = is_final(h.now());
        auto const before = h.now();
        auto const after = h.on_frame(*f);
        check(is_final(after) && (!over || after == before));
        if (after == handshake::state::done && !over)
          check(f->kind == frame_kind::hello && h.frame_limit() <= 4096 && h.other().oldest_protocol <= protocol_version);
      }
    }
  } catch (procx::protocol_error const&) {
  }
  auto const before = h.now();
  check(is_final(before) ? h.on_end() == before : h.on_end() == handshake::state::ended);
  try {
    h.check();
    check(h.now() == handshake::state::done);
  } catch (procx::error const&) {
    check(h.now() != handshake::state::done);
  }
  return 0;
}
