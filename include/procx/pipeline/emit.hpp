#pragma once

#include <procx/detail/pipeline/stage_base.hpp>

#include <utility>

namespace procx::inline v1 {

/// The last parameter of a stage that makes any number of results of one item: called with each of them.
/// Valid during the call of the stage, on its thread. What it is given goes on at once, before the stage is done.
/// \code
/// void words(std::string const& line, px::emit<std::string> out) {
///   std::istringstream in(line);
///   for (std::string word; in >> word;) out(word);
/// }
/// \endcode
template <class T>
class emit {
 public:
  using value_type = T;

  explicit emit(detail::stage_output& to) noexcept : to_(&to) {}
  void operator()(T value) const { to_->give(&value); }

 private:
  detail::stage_output* to_;
};

}  // namespace procx::inline v1
