#pragma once

#include "address/address.hpp"
#include "system/descriptor.hpp"

#include <optional>

namespace procx::inline v1::detail {

/// What one daemon gives another one that takes its place.
struct handed_over {
  descriptor listener;
  descriptor lock;
};

/// Asks the daemon at the address for its listening socket. It accepts nobody from then on, answers what it has, and ends. Empty if
/// nobody listens there. Throws connection_error if what listens there does not hand over, protocol_error if it is no daemon.
std::optional<handed_over> ask_for_hand_over(address const& at);

}  // namespace procx::inline v1::detail
