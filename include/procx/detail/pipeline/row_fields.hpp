#pragma once

#include <procx/detail/wire/members.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// The columns of a row, for destinations that are tables.
namespace procx::inline v1::detail {

template <class T>
inline constexpr bool is_optional_field = false;
template <class T>
inline constexpr bool is_optional_field<std::optional<T>> = true;

template <class T>
concept text_field = std::convertible_to<T const&, std::string_view>;
template <class T>
concept blob_field = std::same_as<T, std::vector<std::byte>> || std::same_as<T, std::vector<unsigned char>>;
template <class T>
concept number_field = std::is_arithmetic_v<T> || std::is_enum_v<T>;
template <class T>
concept plain_field = text_field<T> || blob_field<T> || number_field<T> || std::same_as<T, std::monostate>;
template <class T>
concept tuple_row = requires { std::tuple_size<T>::value; };

template <class T>
struct row_field_has_no_column {
  static_assert(!sizeof(T), "procx: a member of a row is neither a number, nor a string, nor a vector of bytes, nor an optional one "
                            "of these: write it with a function of your own; its type is named above");
};

template <class Row>
consteval std::size_t count_fields() {
  if constexpr (plain_field<Row> || is_optional_field<Row>)
    return 1;
  else if constexpr (tuple_row<Row>)
    return std::tuple_size_v<Row>;
  else
    return member_count<Row>;
}

/// Calls `use` with each field of a row: the members of a class, the elements of a tuple, or the row itself.
template <class Row, class Use>
void for_each_field(Row const& row, Use use) {
  if constexpr (plain_field<Row> || is_optional_field<Row>)
    use(row);
  else if constexpr (tuple_row<Row>)
    std::apply([&](auto const&... field) { (use(field), ...); }, row);
  else
    with_members(row, [&](auto const&... field) { (use(field), ...); });
}

}  // namespace procx::inline v1::detail
