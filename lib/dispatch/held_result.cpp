#include <procx/detail/dispatch/held_result.hpp>

#include "memory/slab_sources.hpp"

namespace procx::inline v1::detail {

held_result held_result::copy_of(encoded_value const& value) {
  held_result held;
  held.bytes = buffer(value.bytes);
  held.block_bytes = value.block_bytes;
  // All that a dispatcher gives beside bytes: copies share the memory.
  if (value.blocks) held.blocks = std::make_unique<received_slabs>(dynamic_cast<received_slabs const&>(*value.blocks));
  return held;
}

}  // namespace procx::inline v1::detail
