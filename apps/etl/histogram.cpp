#include "histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

namespace etl {
namespace {

constexpr unsigned bits = 6;  // of a value's mantissa, behind the leading one
constexpr std::uint64_t in_octave = std::uint64_t{1} << bits;
constexpr std::uint64_t end_of_buckets = (64 - bits + 1) * in_octave;

void put_number(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to += static_cast<char>(value | 0x80);
  to += static_cast<char>(value);
}

std::uint64_t take_number(std::string_view& from) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    auto const byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw std::runtime_error("these bytes are no histogram");
}

}  // namespace

histogram::bucket histogram::bucket_of(std::uint64_t value) noexcept {
  if (value < 2 * in_octave) return static_cast<bucket>(value);
  unsigned const shift = static_cast<unsigned>(std::bit_width(value)) - 1 - bits;
  return static_cast<bucket>(shift * in_octave + (value >> shift));
}

std::uint64_t histogram::value_of(bucket which) noexcept {
  if (which < 2 * in_octave) return which;
  std::uint64_t const shift = which / in_octave - 1, first = (which - shift * in_octave) << shift;
  return first + ((std::uint64_t{1} << shift) - 1) / 2;
}

void histogram::add(std::uint64_t value, std::uint64_t count) {
  bucket const which = bucket_of(value);
  auto const at = std::ranges::lower_bound(entries_, which, {}, &entry::which);
  if (at != entries_.end() && at->which == which)
    at->count += count;
  else
    entries_.insert(at, {which, 0, count});
}

void histogram::add(std::span<entry const> others) {
  std::vector<entry> sum;
  sum.reserve(entries_.size() + others.size());
  auto mine = entries_.cbegin();
  for (entry const& other : others) {
    for (; mine != entries_.cend() && mine->which < other.which; ++mine) sum.push_back(*mine);
    sum.push_back(other);
    if (mine != entries_.cend() && mine->which == other.which) sum.back().count += (mine++)->count;
  }
  sum.insert(sum.end(), mine, entries_.cend());
  entries_ = std::move(sum);
}

std::uint64_t histogram::count() const {
  std::uint64_t all = 0;
  for (entry const& e : entries_) all += e.count;
  return all;
}

std::uint64_t histogram::quantile(double share) const {
  std::uint64_t const all = count();
  auto const rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all)));
  std::uint64_t seen = 0;
  for (entry const& e : entries_)
    if ((seen += e.count) >= std::max<std::uint64_t>(rank, 1)) return value_of(e.which);
  return entries_.empty() ? 0 : value_of(entries_.back().which);
}

std::string histogram::to_bytes() const {
  std::string bytes;
  bucket before = 0;
  for (entry const& e : entries_) {
    put_number(bytes, e.which - before);
    put_number(bytes, e.count);
    before = e.which;
  }
  return bytes;
}

histogram histogram::of_bytes(std::string_view bytes) {
  histogram result;
  std::uint64_t which = 0;
  while (!bytes.empty()) {
    std::uint64_t const step = take_number(bytes), count = take_number(bytes);
    which += step;
    if (step >= end_of_buckets || which >= end_of_buckets || count == 0 || (step == 0 && !result.entries_.empty()))
      throw std::runtime_error("these bytes are no histogram");
    result.entries_.push_back({static_cast<bucket>(which), 0, count});
  }
  return result;
}

}  // namespace etl
