#include "stash/checksum.hpp"

#include <procx/wire/archive.hpp>

#include <bit>

namespace procx::inline v1::detail {
namespace {

constexpr std::uint64_t p1 = 0x9e3779b185ebca87u, p2 = 0xc2b2ae3d27d4eb4fu, p3 = 0x165667b19e3779f9u,
                        p4 = 0x85ebca77c2b2ae63u, p5 = 0x27d4eb2f165667c5u;

std::uint64_t add(std::uint64_t lane, std::uint64_t word) noexcept { return std::rotl(lane + word * p2, 31) * p1; }
std::uint64_t merge(std::uint64_t hash, std::uint64_t lane) noexcept { return (hash ^ add(0, lane)) * p1 + p4; }

/// All pieces of 32 bytes, in four lanes.
std::uint64_t add_stripes(std::span<std::byte const>& bytes, std::uint64_t seed) noexcept {
  std::uint64_t a = seed + p1 + p2, b = seed + p2, c = seed, d = seed - p1;
  for (; bytes.size() >= 32; bytes = bytes.subspan(32)) {
    std::byte const* const at = bytes.data();
    a = add(a, load_little<std::uint64_t>(at));
    b = add(b, load_little<std::uint64_t>(at + 8));
    c = add(c, load_little<std::uint64_t>(at + 16));
    d = add(d, load_little<std::uint64_t>(at + 24));
  }
  std::uint64_t const all = std::rotl(a, 1) + std::rotl(b, 7) + std::rotl(c, 12) + std::rotl(d, 18);
  return merge(merge(merge(merge(all, a), b), c), d);
}

}  // namespace

std::uint64_t checksum_of(std::span<std::byte const> bytes, std::uint64_t seed) noexcept {
  std::uint64_t const size = bytes.size();
  std::uint64_t hash = (size >= 32 ? add_stripes(bytes, seed) : seed + p5) + size;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8))
    hash = std::rotl(hash ^ add(0, load_little<std::uint64_t>(bytes.data())), 27) * p1 + p4;
  if (bytes.size() >= 4) {
    hash = std::rotl(hash ^ load_little<std::uint32_t>(bytes.data()) * p1, 23) * p2 + p3;
    bytes = bytes.subspan(4);
  }
  for (std::byte const b : bytes) hash = std::rotl(hash ^ std::to_integer<std::uint64_t>(b) * p5, 11) * p1;
  hash = (hash ^ hash >> 33) * p2;
  hash = (hash ^ hash >> 29) * p3;
  return hash ^ hash >> 32;
}

}  // namespace procx::inline v1::detail
