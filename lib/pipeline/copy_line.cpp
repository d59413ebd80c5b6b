#include <procx/detail/pipeline/copy_line.hpp>

namespace procx::inline v1::detail {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// How many bytes a sequence has that begins so, and between what its second byte lies, so that it is neither too long a form, nor a
/// surrogate, nor beyond Unicode.
struct sequence {
  std::size_t length;  // 0: none begins so
  unsigned char least = 0x80, most = 0xBF;
};

sequence sequence_of(unsigned char first) noexcept {
  if (first < 0x80) return {first == 0 ? std::size_t{0} : 1};
  if (first < 0xC2 || first > 0xF4) return {0};
  if (first < 0xE0) return {2};
  if (first == 0xE0) return {3, 0xA0};
  if (first == 0xED) return {3, 0x80, 0x9F};
  if (first < 0xF0) return {3};
  if (first == 0xF0) return {4, 0x90};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {4};
}

}  // namespace

void append_valid_text(std::string& to, std::string_view text) {
  while (!text.empty()) {
    sequence const s = sequence_of(static_cast<unsigned char>(text.front()));
    std::size_t good = s.length > 0 ? 1 : 0;
    while (good > 0 && good < s.length && good < text.size()) {
      auto const byte = static_cast<unsigned char>(text[good]);
      if (byte < (good == 1 ? s.least : 0x80) || byte > (good == 1 ? s.most : 0xBF)) break;
      ++good;
    }
    bool const is_whole = good > 0 && good == s.length;
    if (is_whole)
      to += text.substr(0, good);
    else
      to += replacement;
    text.remove_prefix(good == 0 ? 1 : good);
  }
}

}  // namespace procx::inline v1::detail
