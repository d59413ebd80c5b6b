#pragma once

#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/wire/travel.hpp>

#include <cstddef>
#include <cstdint>

namespace procx::inline v1::detail {

/// Before the arguments of each task their number of bytes, in so many.
inline constexpr std::size_t arguments_length_size = sizeof(std::uint64_t);

/// What is called: all that tasks which are called alike have in common, so that it is told once for many of them.
struct task_head {
  std::uint32_t callable = callable_table::travels;  ///< its place among those that workers inherit, or how else it is told
  image_offset entry = 0;     ///< what runs the task; 0: the table says so; of a name its hash
  image_offset function = 0;  ///< the callable itself, if it is a pointer to a function that travels; of a name its fingerprint

  friend bool operator==(task_head const&, task_head const&) = default;

  /// Of a task that calls what a worker has inherited in this place.
  static task_head inherited(std::uint32_t place, task_entry entry) noexcept { return {place, offset_of(entry)}; }
  /// Of a task that calls `fn`; what else there is of it than an address is for `save_state`.
  template <class F>
  static task_head travelling(task_entry entry, F const& fn) noexcept {
    return {callable_table::travels, offset_of(entry), offset_of(fn)};
  }
  /// Of a task that calls what is registered under a name; with that and with the caller's signature its arguments begin.
  static task_head named(std::uint64_t name_hash, std::uint64_t fingerprint) noexcept {
    return {callable_table::named, static_cast<image_offset>(name_hash), static_cast<image_offset>(fingerprint)};
  }

 private:
  /// 0 for what is no function.
  template <class F>
  static image_offset offset_of(F const& fn) noexcept {
    if constexpr (is_function_pointer<F>)
      return detail::offset_of(reinterpret_cast<void (*)()>(fn));
    else
      return 0;
  }
};

}  // namespace procx::inline v1::detail
