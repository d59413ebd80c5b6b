#pragma once

#include <procx/dispatch/callable_table.hpp>
#include <procx/dispatch/slab.hpp>
#include <procx/wire/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace procx::inline v1::detail {

/// A task as bytes: what is called (see `callable_table`), and what it is given.
struct packed_task {
  std::uint32_t callable = callable_table::travels;
  buffer bytes;
  std::vector<std::shared_ptr<slab>> slabs;  ///< the blocks that are not among the bytes
  std::size_t slab_bytes = 0;

  std::size_t size() const noexcept { return bytes.size() + slab_bytes; }
};

}  // namespace procx::inline v1::detail
