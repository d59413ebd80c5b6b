#include "channel/handover.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/version.hpp>

#include <atomic>
#include <charconv>
#include <memory>
#include <utility>

#include <link.h>

namespace procx::inline v1::detail {
namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept { return (hash ^ word) * 0x100000001b3u; }

std::uint64_t add_note(std::uint64_t hash, char const* bytes, std::size_t size) noexcept {
  for (std::size_t i = 0; i < size; ++i) hash = mix(hash, static_cast<unsigned char>(bytes[i]));
  return hash;
}

}  // namespace

channel_terms channel_terms::of(start_options const& options) noexcept {
  return {options.frame_limit, options.acknowledged, options.via == transport::socket};
}

start_options channel_terms::options() const noexcept {
  start_options o;
  o.frame_limit = frame_limit;
  o.acknowledged = acknowledged != 0;
  o.via = is_socket ? transport::socket : transport::pipe;
  return o;
}

std::uint64_t image_fingerprint() {
  static constinit std::atomic<std::uint64_t> known = 0;  // no guard, in the midst of which somebody may fork
  if (auto const hash = known.load(std::memory_order_relaxed)) return hash;
  std::uint64_t hash = mix(0xcbf29ce484222325u, PROCX_VERSION);
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& h = *static_cast<std::uint64_t*>(data);
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          auto const& segment = info->dlpi_phdr[i];
          h = mix(mix(h, segment.p_vaddr), segment.p_memsz);
          if (segment.p_type == PT_NOTE)  // the build id, if the linker wrote one
            h = add_note(h, reinterpret_cast<char const*>(info->dlpi_addr + segment.p_vaddr), segment.p_memsz);
        }
        return 1;  // the first is the program itself
      },
      &hash);
  known.store(hash, std::memory_order_relaxed);
  return hash;
}

std::string channel_place::text() const {
  return std::to_string(in) + ',' + std::to_string(out) + ',' + std::to_string(frame_limit) + ',' +
         std::to_string(acknowledged);
}

std::optional<channel_place> channel_place::from(std::string_view text) noexcept {
  channel_place p;
  char const* at = text.data();
  char const* const end = at + text.size();
  auto const number = [&](auto& n, bool last) {
    auto const [stop, error] = std::from_chars(at, end, n);
    bool const good = error == std::errc() && (last ? stop == end : stop != end && *stop == ',');
    at = good && !last ? stop + 1 : stop;
    return good;
  };
  bool const understood = number(p.in, false) && number(p.out, false) && number(p.frame_limit, false) &&
                          number(p.acknowledged, true);
  if (!understood || p.in < 0 || p.out < -1 || p.in == p.out || p.acknowledged > 1) return std::nullopt;
  return p;
}

void add_traveller(endpoint& wire, traveller const& what) {
  frame_writer writer(wire.out());
  writer.begin();
  std::uint64_t const image = image_fingerprint();
  image_offset const entry = offset_of(reinterpret_cast<void (*)()>(what.entry));
  wire.out().append(&image, sizeof image);
  wire.out().append(&entry, sizeof entry);
  wire.out().append(what.state.data(), what.state.size());
  writer.finish(frame_kind::task, 0, wire.frame_limit());
}

std::function<void(void*)> receive_traveller(endpoint& wire) {
  std::optional<frame> f;
  while (!(f = wire.next())) {
    if (wire.ended()) throw end_of_channel("the channel ended before it had brought a callable");
    pollfd readable{wire.in_fd(), POLLIN, 0};
    poll_until(std::span(&readable, 1), std::nullopt);
    wire.fill();
  }
  if (f->kind != frame_kind::task) throw protocol_error("the first frame brought no callable");
  auto const state = std::make_shared<buffer>(f->payload);
  std::uint64_t image = 0;
  image_offset entry = 0;
  input_archive head(*state);
  head >> image >> entry;
  if (image != image_fingerprint()) throw protocol_error("the callable is of another build of this program");
  return [state, run = reinterpret_cast<travel_entry>(function_at(entry))](void* context) {
    input_archive in(state->bytes().subspan(sizeof(std::uint64_t) + sizeof(image_offset)));
    run(in, context);
  };
}

}  // namespace procx::inline v1::detail
