#pragma once

#include "dispatch/dispatcher.hpp"

#include <boost/asio/cancellation_type.hpp>

namespace procx::inline v1::detail {

/// What Asio's types of cancellation mean for a task: the strongest of those asked for.
inline dispatcher::cancellation how_to(boost::asio::cancellation_type how) noexcept {
  using type = boost::asio::cancellation_type;
  if ((how & type::terminal) != type::none) return dispatcher::cancellation::kill;
  return (how & type::partial) != type::none ? dispatcher::cancellation::ask : dispatcher::cancellation::drop;
}

}  // namespace procx::inline v1::detail
