#include "known_file.hpp"

#include "text_table.hpp"

#include <map>

namespace etl {

known_file const* find_known(std::vector<known_file> const& all, known_file const& like, std::string_view head) {
  constexpr std::uint64_t tells_enough = 1024;
  std::map<std::uint64_t, std::uint64_t> hashes;  // by the number of bytes
  known_file const* best = nullptr;
  for (known_file const& k : all) {
    if (k.head_size == 0 || k.head_size > head.size()) continue;
    auto const [at, is_new] = hashes.try_emplace(k.head_size, 0);
    if (is_new) at->second = hash_of(head.substr(0, k.head_size));
    if (at->second != k.head_hash) continue;
    bool const same_place = k.name == like.name || (like.inode != 0 && k.inode == like.inode && k.device == like.device);
    if (k.head_size < tells_enough && !same_place) continue;
    if (!best || k.offset > best->offset) best = &k;
  }
  return best;
}

}  // namespace etl
