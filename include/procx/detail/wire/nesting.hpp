#pragma once

#include <cstddef>
#include <cstdint>

// Values that hold values are saved and loaded by recursion. A sender must not choose how far the receiver's stack reaches,
// so what is limited is the stack that the recursion uses, in bytes, whatever the stack of this thread is.
namespace procx::inline v1::detail {

/// The lowest address to which the recursion may go that has come to `here`: half of what the stack of this thread has left
/// below it. On a stack that is not the thread's own (a stackful coroutine, a signal stack) 32 KiB.
std::uintptr_t lowest_address_for(std::uintptr_t at) noexcept;
[[noreturn]] void throw_too_deep();

inline std::uintptr_t stack_address() noexcept { return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)); }

/// How far down one archive may go. Cost: a comparison a level; the first one of an archive also looks up the thread's stack.
class stack_floor {
 public:
  /// Throws protocol_error if there is no room for `more` bytes on the stack below the caller's frame.
  void check(std::size_t more = 0) {
    std::uintptr_t const at = stack_address();
    if (lowest_ == unknown) lowest_ = lowest_address_for(at);
    if (at < lowest_ || at - lowest_ < more) [[unlikely]] throw_too_deep();
  }

 private:
  static constexpr std::uintptr_t unknown = 0;
  std::uintptr_t lowest_ = unknown;
};

/// Larger values are asked about before a function has one as a local variable.
inline constexpr std::size_t large_on_the_stack = std::size_t{16} << 10;

template <class F>
[[gnu::noinline]] decltype(auto) call_in_own_frame(F& fn) {
  return fn();
}
/// Calls `fn`, which has values of type `T` on its stack. Throws protocol_error instead if the stack of this thread has no room
/// for them: then the task whose result it is fails, and the program goes on.
template <class T, class F>
decltype(auto) with_room_for(F fn) {
  if constexpr (sizeof(T) >= large_on_the_stack) {
    stack_floor().check(3 * sizeof(T));
    return call_in_own_frame(fn);
  } else {
    return fn();
  }
}

}  // namespace procx::inline v1::detail
