#pragma once

#include <procx/version.hpp>

#include <procx/pipeline/cursor.hpp>
#include <procx/pipeline/text_block.hpp>

#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {
namespace detail {

template <class F>
inline constexpr bool takes_line = std::is_invocable_v<F&, text_line const&>;

template <class T>
struct row_of {
  using type = T;
};
template <class T>
struct row_of<std::optional<T>> {
  using type = T;
};

/// What `each_line` returns.
template <class F>
class line_stage {
  using argument = std::conditional_t<takes_line<F>, text_line const&, std::string_view>;
  static_assert(std::is_invocable_v<F&, argument>, "procx: the function for each_line is to take a std::string_view or a px::text_line");
  using returned = std::decay_t<std::invoke_result_t<F&, argument>>;
  static_assert(!std::is_void_v<returned>, "procx: the function for each_line is to return a row, or an optional one");
  using row = typename row_of<returned>::type;

 public:
  line_stage(F fn, carriage_return returns) : fn_(std::move(fn)), returns_(returns) {}

  batch<row> operator()(text_block const& block) {
    batch<row> made{block.from};
    for (text_line const& line : lines(block, returns_)) add(made, call(line));
    return made;
  }

 private:
  returned call(text_line const& line) {
    if constexpr (takes_line<F>)
      return std::invoke(fn_, line);
    else
      return std::invoke(fn_, line.text);
  }
  static void add(batch<row>& to, returned&& made) {
    if constexpr (std::is_same_v<returned, row>)
      to.rows.push_back(std::move(made));
    else if (made)
      to.rows.push_back(std::move(*made));
  }

  F fn_;
  carriage_return returns_;
};

}  // namespace detail

/// A stage that makes a batch of rows of a block of lines: `fn` takes a line, as a std::string_view or a `text_line`, and returns a
/// row, or a std::optional one. What it throws is the failure of the whole block: a line that is to cost no other one is a row as well.
/// \code
/// std::optional<visit> parse(std::string_view line);
/// auto p = px::pipeline().add_origin(px::read_blocks).add_task(px::each_line(parse)).add_destination(std::ref(db), {.here = true});
/// \endcode
template <class F>
detail::line_stage<F> each_line(F fn, carriage_return returns = carriage_return::keep) {
  return {std::move(fn), returns};
}

}  // namespace procx::inline v1
