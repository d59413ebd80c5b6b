#pragma once

#include <procx/detail/memory/slab.hpp>
#include <procx/detail/dispatch/task_head.hpp>
#include <procx/detail/wire/buffer.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace procx::inline v1::detail {

/// A task as bytes: what is called, and what it is given.
struct packed_task {
  task_head head = {};
  buffer bytes;
  std::vector<std::shared_ptr<slab>> slabs;  ///< the blocks that are not among the bytes
  std::size_t slab_bytes = 0;

  std::size_t size() const noexcept { return bytes.size() + slab_bytes; }
};

}  // namespace procx::inline v1::detail
