#pragma once

#include <procx/detail/pipeline/row_fields.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace procx::inline v1::detail {

/// Appends the text; what is no UTF-8, and NULs, as U+FFFD, one for each sequence that a decoder would refuse.
void append_valid_text(std::string& to, std::string_view text);

/// A row as the fields of a line of COPY, for pqxx::stream_to, which escapes them: text, or null.
class copy_line {
 public:
  explicit copy_line(bool replace_invalid_text) noexcept : replace_invalid_text_(replace_invalid_text) {}

  /// Valid until the next call.
  template <class Row>
  std::array<char const*, count_fields<Row>()> fields_of(Row const& row) {
    fields_.resize(count_fields<Row>());
    std::size_t at = 0;
    std::array<char const*, count_fields<Row>()> all;
    for_each_field(row, [&](auto const& field) {
      std::string& text = fields_[at];
      text.clear();
      all[at++] = write(text, field) ? text.c_str() : nullptr;
    });
    return all;
  }

 private:
  /// False for null.
  template <class T>
  bool write(std::string& to, T const& field) {
    if constexpr (is_optional_field<T>)
      return field && write(to, *field);
    else if constexpr (std::is_same_v<T, std::monostate>)
      return false;
    else if constexpr (text_field<T>)
      add_text(to, field);
    else if constexpr (blob_field<T>)
      add_blob(to, field);
    else if constexpr (std::is_same_v<T, bool>)
      to += field ? 't' : 'f';
    else if constexpr (std::is_enum_v<T>)
      add_number(to, static_cast<std::underlying_type_t<T>>(field));
    else if constexpr (number_field<T>)
      add_number(to, field);
    else
      static_cast<void>(sizeof(row_field_has_no_column<T>));
    return true;
  }
  void add_text(std::string& to, std::string_view text) const {
    if (replace_invalid_text_) return append_valid_text(to, text);
    if (text.find('\0') != text.npos) throw std::invalid_argument("PostgreSQL has no NUL in a text");
    to += text;
  }
  template <class Bytes>
  static void add_blob(std::string& to, Bytes const& bytes) {
    constexpr char digits[] = "0123456789abcdef";
    to += "\\x";
    for (auto const b : bytes) {
      auto const byte = static_cast<unsigned char>(b);
      to += digits[byte >> 4];
      to += digits[byte & 0xf];
    }
  }
  template <class Number>
  static void add_number(std::string& to, Number number) {
    std::array<char, 64> digits;
    if constexpr (std::is_same_v<Number, char>)
      return add_number(to, static_cast<int>(number));
    else
      to.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
  }

  bool const replace_invalid_text_;
  std::vector<std::string> fields_;
};

}  // namespace procx::inline v1::detail
