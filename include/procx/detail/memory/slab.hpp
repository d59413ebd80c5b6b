#pragma once

#include <procx/detail/wire/blocks.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

class slab_arena;

/// A piece of memory that this process shares with its workers, or a worker with its parent. One process at a time owns
/// it, and gives it back when this object goes.
class slab {
 public:
  slab() noexcept = default;
  slab(slab_arena& arena, std::uint32_t number, std::uint32_t owner) noexcept;
  slab(slab&& other) noexcept { swap(other); }
  slab& operator=(slab&& other) noexcept {
    slab(std::move(other)).swap(*this);
    return *this;
  }
  ~slab();

  /// One that results and workers' vectors may lie in, with warm memory for so many bytes. Empty if there is none left.
  static slab allocate(std::size_t size) noexcept;

  explicit operator bool() const noexcept { return arena_ != nullptr; }
  std::byte* data() const noexcept;
  std::uint32_t number() const noexcept { return number_; }
  slab_arena* arena() const noexcept { return arena_; }
  /// Whether nobody has taken it over.
  bool is_ours() const noexcept;
  /// It belongs to somebody else from now on.
  void disown() noexcept;

 private:
  void swap(slab& other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(number_, other.number_);
    std::swap(owner_, other.owner_);
    std::swap(generation_, other.generation_);
  }

  slab_arena* arena_ = nullptr;
  std::uint32_t number_ = 0;
  std::uint32_t owner_ = 0;
  unsigned generation_ = 0;
};

/// Collects the slabs that go with one task or one result.
class slab_sink final : public block_sink {
 public:
  /// For what goes to the workers of this process; as a gift, if the task is run once at most.
  explicit slab_sink(bool gives = false) noexcept : to_own_workers_(true), gives_(gives) {}
  slab_sink(slab_arena* arena, std::uint32_t owner) noexcept : arena_(arena), owner_(owner) {}
  /// What another one has collected, instead of what this one has.
  void adopt(std::vector<std::shared_ptr<slab>> slabs, std::size_t bytes) noexcept {
    slabs_ = std::move(slabs);
    bytes_ = bytes;
  }

  std::optional<place> make_room(std::size_t size) override;
  std::optional<std::uint64_t> give_away(std::shared_ptr<void> const& holder) override;

  bool empty() const noexcept { return slabs_.empty(); }
  std::size_t bytes() const noexcept { return bytes_; }
  void clear() noexcept { slabs_.clear(), bytes_ = 0; }
  std::vector<std::shared_ptr<slab>> const& slabs() const noexcept { return slabs_; }
  std::vector<std::shared_ptr<slab>> take() noexcept {
    bytes_ = 0;
    return std::exchange(slabs_, {});
  }

 private:
  slab_arena* arena() const;

  slab_arena* arena_ = nullptr;
  std::uint32_t owner_ = 0;
  bool to_own_workers_ = false;  // by this process's arena, which is asked for when it is needed
  bool gives_ = false;
  std::vector<std::shared_ptr<slab>> slabs_;
  std::size_t bytes_ = 0;
};

}  // namespace procx::inline v1::detail
