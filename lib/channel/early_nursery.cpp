#include "channel/early_nursery.hpp"

#include "channel/channel_core.hpp"
#include "channel/created.hpp"
#include "channel/handover.hpp"
#include "system/generation.hpp"

#include <procx/channel/start.hpp>

#include <cstring>
#include <utility>

namespace procx::inline v1 {
namespace detail {
namespace {

struct keeper {
  std::shared_ptr<nursery> early;
  unsigned generation = 0;
};

/// To be used under `hold_forks`, which is a mutex that no child finds locked, nor this half made.
keeper& the_keeper() {
  static auto* const k = new keeper;  // the nursery ends when this process does
  return *k;
}

int run_in_nursery_child(nursery_order const& order) {
  channel_terms terms{};
  if (order.message.size() != sizeof terms) return 1;
  std::memcpy(&terms, order.message.data(), sizeof terms);
  endpoint wire = terms.is_socket ? endpoint(std::move(order.descriptors[0]), terms.frame_limit)
                                  : endpoint(std::move(order.descriptors[0]), std::move(order.descriptors[1]),
                                             terms.frame_limit);
  return run_handed_over(terms.options(), std::move(wire));
}

}  // namespace

int run_handed_over(start_options const& options, endpoint wire) {
  std::function<void(void*)> what;
  std::exception_ptr refused;
  try {
    what = receive_traveller(wire);
  } catch (...) {
    refused = std::current_exception();
  }
  channel up = make_created_channel(options, std::move(wire));
  return run_created(up, [&](channel& own) {
    if (refused) std::rethrow_exception(refused);
    what(&own);
  });
}

std::shared_ptr<nursery> early_nursery() {
  std::shared_ptr<nursery> early;
  {
    auto const held = hold_forks();
    if (keeper const& k = the_keeper(); k.generation == generation()) early = k.early;
  }
  return early && early->alive() ? early : nullptr;
}

}  // namespace detail

void start_nursery() {
  if (detail::early_nursery()) return;
  auto nursery = detail::nursery::make(&detail::run_in_nursery_child);
  unsigned made_in = detail::generation();
  {
    auto const held = detail::hold_forks();
    auto& k = detail::the_keeper();
    k.early.swap(nursery);
    std::swap(k.generation, made_in);
  }
  if (made_in != detail::generation()) new std::shared_ptr(std::move(nursery));  // the parent's, not ours to end
}

}  // namespace procx::inline v1
