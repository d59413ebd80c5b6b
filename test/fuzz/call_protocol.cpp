// Whatever bytes a client sends to a daemon, or a daemon to a client: they are taken as frames that make sense, or refused.
#include "daemon/call_ledger.hpp"
#include "daemon/client_protocol.hpp"
#include "daemon/server_protocol.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>

using namespace procx::detail;

namespace {

void check(bool so) {
  if (!so) std::abort();
}

/// Notes that nothing comes before a session is open, and that no call is run twice.
struct served : server_protocol::events {
  bool opened = false;
  bool ended = false;
  call_ledger ledger{true};
  buffer frame;

  session_terms on_open(session_token const&) override {
    check(!std::exchange(opened, true));
    return {.calls = 1};
  }
  void on_call(std::uint64_t id, call_head const&, std::span<std::byte const> arguments) override {
    check(opened && !ended);
    frame.clear();
    add_value(frame, id, arguments, 16);
    if (ledger.add(id) == call_ledger::arrival::fresh && id % 2) check(ledger.answered(id, frame));
  }
  void on_acknowledge(std::uint64_t id) override {
    check(opened);
    ledger.acknowledged(id);
  }
  void on_cancel(std::uint64_t, boost::asio::cancellation_type) override { check(opened); }
  void on_end() override { ended = true; }
  void on_stop() override { check(opened); }
  void on_hand_over() override { check(opened); }
};

struct called : client_protocol::events {
  bool opened = false;
  void on_opened(session_terms const&) override { check(!std::exchange(opened, true)); }
  void on_value(std::uint64_t, std::span<std::byte const>) override { check(opened); }
  void on_failure(std::uint64_t, std::exception_ptr error) override { check(opened && error); }
  void on_end(bool) override { check(opened); }
};

template <class Take>
void deliver(std::span<std::byte const> bytes, std::size_t piece, Take take) {
  frame_reader reader(4096);
  try {
    while (!bytes.empty()) {
      auto const room = reader.prepare();
      std::size_t const n = std::min({piece, bytes.size(), room.size()});
      std::ranges::copy(bytes.first(n), room.begin());
      reader.commit(n);
      bytes = bytes.subspan(n);
      while (auto const f = reader.next()) take(*f);
    }
  } catch (procx::error const&) {
  }
}

}  // namespace

/// The first byte says whose bytes these are, whether they are greeted before, and how large the pieces are.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 1) return 0;
  std::size_t const piece = (data[0] >> 2) + 1u;
  bool const greeted = data[0] & 2;
  auto const bytes = std::as_bytes(std::span(data, size)).subspan(1);
  buffer in, out;
  client_protocol client(greeting::own(7, 1 << 20), session_token{});
  server_protocol server(greeting::own(7, 1 << 20), {});
  if (data[0] & 1) {
    served events;
    if (greeted) client.greet(in);
    in.append(bytes.data(), bytes.size());
    deliver(in, piece, [&](frame const& f) { server.on_frame(f, out, events); });
  } else {
    called events;
    if (greeted) server.greet(in), add_opened(in, {.calls = 1});
    in.append(bytes.data(), bytes.size());
    deliver(in, piece, [&](frame const& f) { client.on_frame(f, out, events); });
  }
  return 0;
}
