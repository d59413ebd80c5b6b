#include "stash/key_name.hpp"

#include "stash/checksum.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <span>

namespace procx::inline v1::detail {
namespace {

constexpr std::size_t longest = 200, kept_of_long = 150;
constexpr char digits[] = "0123456789abcdef";

bool stands_for_itself(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::uint64_t sum_of(std::string_view key, std::uint64_t seed) { return checksum_of(std::as_bytes(std::span(key)), seed); }

std::string hexadecimal(std::uint64_t number) {
  std::array<char, 17> text;
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
  return text.data();
}

}  // namespace

std::string name_for_key(std::string_view key) {
  if (key.empty()) return "%";
  std::string name;
  for (char const c : key) {
    auto const byte = static_cast<unsigned char>(c);
    if (stands_for_itself(byte))
      name += c;
    else
      name += {'%', digits[byte >> 4], digits[byte & 15]};
    if (name.size() > longest)
      return name.substr(0, kept_of_long) + "%-" + hexadecimal(sum_of(key, 0)) + hexadecimal(sum_of(key, 1));
  }
  return name;
}

std::filesystem::path folder_for_key(std::string_view key) {
  std::uint64_t const sum = sum_of(key, 0);
  return std::filesystem::path(std::string(1, digits[sum & 15])) / std::string(1, digits[sum >> 4 & 15]);
}

}  // namespace procx::inline v1::detail
