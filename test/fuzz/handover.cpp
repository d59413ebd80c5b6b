// Whatever bytes a new process is given as its channel, its callable and its first values: it takes them, or says what is
// wrong with them.
#include "channel/created.hpp"
#include "channel/handover.hpp"

#include <procx/channel/channel.hpp>
#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <sys/socket.h>

using namespace procx::detail;

namespace {

using input = std::span<std::byte const>;

constexpr std::size_t most = 16 * 1024;  // fits into a socket at once
constexpr std::size_t limit = 4096;

void check(bool so) {
  if (!so) std::abort();
}

void place_as_text(input bytes) {
  std::string_view const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
  auto const place = channel_place::from(text);
  if (!place) return;
  check(place->in >= 0 && place->out >= -1);
  auto const again = channel_place::from(place->text());
  check(again && again->in == place->in && again->out == place->out && again->frame_limit == place->frame_limit &&
        again->acknowledged == place->acknowledged);
}

/// A socket from which these bytes come, and then the end. The other side goes on reading.
endpoint bringing(input bytes, descriptor& other) {
  auto [here, there] = make_socket_pair(SOCK_STREAM);
  check(::send(there.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  ::shutdown(there.get(), SHUT_WR);
  other = std::move(there);
  return endpoint(std::move(here), limit);
}

void callable(input bytes) {
  descriptor other;
  endpoint wire = bringing(bytes, other);
  try {
    auto const run = receive_traveller(wire);
    check(run != nullptr);  // it is not called: whoever knows the build may call what it likes
  } catch (procx::error const&) {
  }
}

void callable_of_this_build(input bytes) {
  buffer all;
  frame_writer writer(all);
  writer.begin();
  std::uint64_t const image = image_fingerprint();
  all.append(&image, sizeof image);
  all.append(bytes.data(), bytes.size());
  writer.finish(frame_kind::task, 0, most * 2);
  bool const whole = bytes.size() >= sizeof(image_offset) && bytes.size() + sizeof image <= limit;
  descriptor other;
  endpoint wire = bringing(all, other);
  try {
    check(receive_traveller(wire) != nullptr && whole);
  } catch (procx::protocol_error const&) {
    check(!whole);
  }
}

template <class T>
void values(input bytes, bool acknowledged) {
  descriptor other;
  procx::channel up = make_created_channel({.frame_limit = limit, .acknowledged = acknowledged}, bringing(bytes, other));
  std::size_t count = 0;
  for (;;) try {
      (void)up.receive<T>();
      check(++count <= bytes.size());
    } catch (procx::end_of_channel const&) {
      return;
    } catch (procx::remote_exception const&) {
      check(++count <= bytes.size());
    } catch (procx::protocol_error const&) {
      return;
    }
}

}  // namespace

/// The first byte says what the others are.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  auto const rest = std::as_bytes(std::span(data, size)).subspan(1).first(std::min(size - 1, most));
  switch (data[0] % 7) {
    case 0: place_as_text(rest); break;
    case 1:
    case 2: callable(rest); break;
    case 3: callable_of_this_build(rest); break;
    case 4: values<std::vector<std::string>>(rest, false); break;
    case 5: values<int>(rest, true); break;
    default: values<std::string>(rest, true);
  }
  return 0;
}
