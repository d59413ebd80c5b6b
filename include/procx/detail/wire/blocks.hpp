#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

/// Blocks at least so large leave the frame, if there is a place for them.
inline constexpr std::size_t block_threshold = std::size_t{32} << 10;

/// Where an archive puts blocks of bytes that are too large to go through a pipe: memory that both sides see.
class block_sink {
 public:
  struct place {
    std::uint64_t number;  ///< by which the other side finds it
    std::byte* at;
  };

  virtual ~block_sink() = default;
  /// Room for so many bytes, which the caller writes; none: they are to go into the frame.
  virtual std::optional<place> make_room(std::size_t size) = 0;
  /// If these bytes lie in such memory already, and can be given away: the number of their block.
  virtual std::optional<std::uint64_t> give_away(std::shared_ptr<void> const& holder) = 0;
};

/// Where an archive finds them again.
class block_source {
 public:
  virtual ~block_source() = default;
  /// The first `size` bytes of the block. Throws protocol_error if there are none of this number and size.
  virtual std::span<std::byte const> find(std::uint64_t number, std::size_t size) = 0;
  /// Keeps the block for as long as the result lives; null if it stays for as long as it is needed anyway.
  virtual std::shared_ptr<void> keep(std::uint64_t number) = 0;
  /// Whether the bytes of the frame itself stay where they are for as long as what is read from them is needed.
  virtual bool lasting() const noexcept = 0;
};

/// The bytes of a value, and where the blocks are that are not among them.
struct encoded_value {
  std::span<std::byte const> bytes;
  block_source* blocks = nullptr;
  std::size_t block_bytes = 0;

  encoded_value(std::span<std::byte const> b = {}, block_source* source = nullptr, std::size_t more = 0) noexcept
      : bytes(b), blocks(source), block_bytes(more) {}
  std::size_t size() const noexcept { return bytes.size() + block_bytes; }
};

}  // namespace procx::inline v1::detail
