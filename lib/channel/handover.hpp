#pragma once

#include "endpoint/endpoint.hpp"

#include <procx/channel/start_options.hpp>
#include <procx/wire/travel.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace procx::inline v1::detail {

// How a channel and a travelling callable are handed to a process that was not forked from here: its descriptors by
// number or over a socket, what else there is to know of it as text or in the first frames.

/// What the created side has to know of its channel, as words.
struct channel_terms {
  std::uint64_t frame_limit;
  std::uint32_t acknowledged;
  std::uint32_t is_socket;

  static channel_terms of(start_options const& options) noexcept;
  start_options options() const noexcept;
};

/// The same and the descriptors' numbers, for the environment of a program: "in,out,frame limit,acknowledged". A socket has
/// no way out of its own, which is then −1.
struct channel_place {
  int in = -1;
  int out = -1;
  std::uint64_t frame_limit = 0;
  std::uint32_t acknowledged = 0;

  std::string text() const;
  /// None if the text is not one that `text` gives.
  static std::optional<channel_place> from(std::string_view text) noexcept;
  channel_terms terms() const noexcept { return {frame_limit, acknowledged, out < 0}; }
};

/// A frame with the callable, for the same program's image elsewhere. It leaves at the next flush.
void add_traveller(endpoint& wire, traveller const& what);
/// Waits for that frame and runs what came in it, with the given context. Throws protocol_error if it is none, or
/// of another build of the program; end_of_channel if none came.
std::function<void(void*)> receive_traveller(endpoint& wire);

/// A number that differs between programs, and between builds of one.
std::uint64_t image_fingerprint();

}  // namespace procx::inline v1::detail
