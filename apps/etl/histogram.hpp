#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace etl {

/// How often which durations occur, in buckets that are wider the longer the durations.
///
/// Log-linear: each power of two is divided into 64 buckets of one width. So a value below 128 is kept as it is, and any other is
/// known to 1/128 of itself, or 0.8 %. Histograms can be added: the sum is the same whatever the order. Kept are only the
/// buckets that have something in them, at most 3,776.
class histogram {
 public:
  using bucket = std::uint32_t;
  struct entry {
    bucket which = 0;
    std::uint32_t padding = 0;
    std::uint64_t count = 0;
    bool operator==(entry const&) const = default;
  };

  static bucket bucket_of(std::uint64_t value) noexcept;
  /// The middle of a bucket, rounded down.
  static std::uint64_t value_of(bucket which) noexcept;

  void add(std::uint64_t value, std::uint64_t count = 1);
  /// Entries of another histogram: of rising buckets, each with a count.
  void add(std::span<entry const> others);
  void add(histogram const& other) { add(other.entries()); }

  std::uint64_t count() const;
  /// The least value that at least this share of all values does not exceed (nearest rank); 0 if there are none.
  std::uint64_t quantile(double share) const;
  std::span<entry const> entries() const { return entries_; }
  bool operator==(histogram const&) const = default;

  /// A few bytes a bucket, the same on all machines.
  std::string to_bytes() const;
  /// Throws std::runtime_error for bytes that no histogram has made.
  static histogram of_bytes(std::string_view bytes);

 private:
  std::vector<entry> entries_;
};

}  // namespace etl
