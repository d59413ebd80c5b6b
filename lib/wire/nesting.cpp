#include <procx/detail/wire/nesting.hpp>

#include <procx/error/exceptions.hpp>

#include <pthread.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::uintptr_t on_foreign_stack = std::uintptr_t{32} << 10;

struct stack_bounds {
  std::uintptr_t low = 1;
  std::uintptr_t high = 0;
};

stack_bounds find_bounds() noexcept {
  pthread_attr_t attributes;
  if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return {1, 1};
  void* low = nullptr;
  std::size_t size = 0;
  ::pthread_attr_getstack(&attributes, &low, &size);
  ::pthread_attr_destroy(&attributes);
  auto const lowest = reinterpret_cast<std::uintptr_t>(low);
  return {lowest, lowest + size};
}

/// Asked once a thread: for the main thread the C library reads /proc/self/maps. A forked child has the same stack.
stack_bounds const& bounds() noexcept {
  static thread_local constinit stack_bounds known;
  if (known.high == 0) known = find_bounds();
  return known;
}

}  // namespace

std::uintptr_t lowest_address_for(std::uintptr_t here) noexcept {
  auto const& stack = bounds();
  if (here >= stack.low && here < stack.high) return here - (here - stack.low) / 2;
  return here - on_foreign_stack;
}

void throw_too_deep() {
  throw protocol_error("values are held in values too deep for the stack of this thread");
}

}  // namespace procx::inline v1::detail
