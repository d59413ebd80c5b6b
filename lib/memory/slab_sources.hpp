#pragma once

#include "memory/slab_arena.hpp"

#include <procx/detail/wire/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace procx::inline v1::detail {

/// Where a worker finds what its parent has put into slabs: it stays there until the task is over. What was put there
/// for this task alone it may keep.
class lent_slabs final : public block_source {
 public:
  std::span<std::byte const> find(std::uint64_t number, std::size_t size) override;
  std::shared_ptr<void> keep(std::uint64_t number) override;
  bool lasting() const noexcept override { return true; }
};

/// The slabs that came with a worker's result; those that nobody keeps are free when it goes.
class received_slabs final : public block_source {
 public:
  explicit received_slabs(slab_arena& arena) noexcept : arena_(arena) {}

  /// Takes over what the list at the end of the result's bytes names, and cuts it off. Throws protocol_error.
  std::span<std::byte const> take(std::span<std::byte const> bytes, std::uint32_t worker);
  std::size_t bytes() const noexcept;

  std::span<std::byte const> find(std::uint64_t number, std::size_t size) override;
  std::shared_ptr<void> keep(std::uint64_t number) override;
  bool lasting() const noexcept override { return false; }

 private:
  std::shared_ptr<slab> const& held(std::uint64_t number) const;

  slab_arena& arena_;
  std::vector<std::shared_ptr<slab>> slabs_;
};

/// Appends the list of slabs that `received_slabs::take` reads.
void append_slab_list(buffer& out, std::vector<std::shared_ptr<slab>> const& slabs);

}  // namespace procx::inline v1::detail
