#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace etl {

/// 64 bits of which each depends on all bytes of the text. The same in every process and on every machine of one byte order.
inline std::uint64_t hash_of(std::string_view text, std::uint64_t seed = 0) noexcept {
  auto const mix = [](std::uint64_t a, std::uint64_t b) {
    __extension__ using product = unsigned __int128;
    product const all = static_cast<product>(a) * b;
    return static_cast<std::uint64_t>(all) ^ static_cast<std::uint64_t>(all >> 64);
  };
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15, other = 0xd6e8feb86659fd93;
  std::uint64_t state = seed ^ (text.size() * odd);
  char const* at = text.data();
  std::size_t left = text.size();
  std::uint64_t word = 0;
  for (; left >= 8; at += 8, left -= 8) {
    std::memcpy(&word, at, 8);
    state = mix(state ^ word ^ other, odd);
  }
  if (left > 0) {
    word = 0;
    std::memcpy(&word, at, left);
    state = mix(state ^ word ^ other, odd ^ left);
  }
  return mix(state ^ odd, other);
}

/// Rows by their texts, made once and emptied often. The texts are not copied, and must stay until `clear`.
template <class Row>
class text_table {
 public:
  struct record {
    std::string_view text;
    std::uint64_t hash = 0;
    Row row = {};
  };

  text_table() : slots_(1024) {}

  /// The number of the text's row, which is made if there is none. `hash` is hash_of(text).
  std::uint32_t find(std::string_view text, std::uint64_t hash) {
    for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
      slot& here = slots_[at];
      if (here.number == 0) return make(at, text, hash);
      if (here.tag == tag_of(hash) && records_[here.number - 1].text == text) return here.number - 1;
    }
  }
  std::uint32_t find(std::string_view text) { return find(text, hash_of(text)); }

  Row& operator[](std::uint32_t number) { return records_[number].row; }
  std::uint64_t hash(std::uint32_t number) const { return records_[number].hash; }
  std::vector<record> const& records() const { return records_; }
  std::vector<record>& records() { return records_; }

  void clear() {
    std::ranges::fill(slots_, slot{});
    records_.clear();
  }

 private:
  struct slot {
    std::uint32_t tag = 0;
    std::uint32_t number = 0;  ///< of the record, from 1; 0: free
  };
  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  std::size_t mask() const { return slots_.size() - 1; }

  std::uint32_t make(std::size_t at, std::string_view text, std::uint64_t hash) {
    records_.push_back({text, hash, {}});
    slots_[at] = {tag_of(hash), static_cast<std::uint32_t>(records_.size())};
    if (records_.size() * 2 > slots_.size()) grow();
    return static_cast<std::uint32_t>(records_.size() - 1);
  }
  void grow() {
    slots_.assign(slots_.size() * 2, {});
    for (std::uint32_t i = 0; i < records_.size(); ++i) {
      std::size_t at = records_[i].hash & mask();
      while (slots_[at].number != 0) at = (at + 1) & mask();
      slots_[at] = {tag_of(records_[i].hash), i + 1};
    }
  }

  std::vector<slot> slots_;
  std::vector<record> records_;
};

}  // namespace etl
