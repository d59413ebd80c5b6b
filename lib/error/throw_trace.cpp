#include "error/throw_trace.hpp"

#include "error/sanitizer.hpp"

#include <boost/stacktrace/safe_dump_to.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <typeinfo>

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

// A throw with others nested in it has several throws to remember; those of unrelated ones that were caught
// meanwhile may push an old one out, which then has no trace.
constexpr std::size_t remembered = 8;
constexpr std::size_t depth = 48;

struct throw_point {
  void const* object = nullptr;  // what was thrown
  std::array<void const*, depth> frames{};
};

struct memory {
  bool on = false;
  std::size_t next = 0;
  std::array<throw_point, remembered> points{};
};

thread_local memory throws;

std::string program_path() {
  std::array<char, 4096> name;
  ssize_t const n = ::readlink("/proc/self/exe", name.data(), name.size());
  return n > 0 ? std::string(name.data(), static_cast<std::size_t>(n)) : std::string();
}

}  // namespace

void remember_throws() noexcept { throws.on = true; }

std::vector<code_location> thrown_at(std::exception_ptr const& e) {
  std::vector<code_location> places;
  void const* object = nullptr;
  static_assert(sizeof e == sizeof object);
  std::memcpy(&object, &e, sizeof object);  // an exception_ptr is the address of the object thrown (Itanium C++ ABI)
  for (throw_point const& point : throws.points) {
    if (!object || point.object != object) continue;
    for (void const* frame : point.frames)
      if (frame) places.push_back(locate(frame));
  }
  return places;
}

std::string no_trace_because() {
#ifdef PROCX_SANITIZED
  return "a sanitizer owns the throw hook in this build";
#else
  return throws.on ? "" : "throws are traced in created processes only";
#endif
}

code_location locate(void const* address) {
  Dl_info info{};
  ::link_map* map = nullptr;
  if (!::dladdr1(address, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) || !map)
    return {"", reinterpret_cast<std::uintptr_t>(address)};
  bool const main_program = !map->l_name || !*map->l_name;
  return {main_program ? program_path() : map->l_name, reinterpret_cast<std::uintptr_t>(address) - map->l_addr};
}

void const* address_of(code_location const& where) {
  struct search {
    code_location const& where;
    std::uintptr_t found = 0;
  } wanted{where};
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& s = *static_cast<search*>(data);
        bool const main_program = !info->dlpi_name || !*info->dlpi_name;
        if (s.where.module != (main_program ? program_path() : info->dlpi_name)) return 0;
        s.found = info->dlpi_addr + s.where.offset;
        return 1;
      },
      &wanted);
  return reinterpret_cast<void const*>(wanted.found);
}

#ifndef PROCX_SANITIZED
namespace {

using throw_function = void (*)(void*, void*, void (*)(void*));

/// `thrower`: where the throw returns to, so to say. How many frames lie between there and here is the compiler's choice.
void note_throw(void const* object, void const* thrower) noexcept {
  for (throw_point& old : throws.points)
    if (old.object == object) old.object = nullptr;  // that exception is gone, its memory is used again
  throw_point& point = throws.points[throws.next++ % remembered];
  point.object = object;
  std::array<void const*, depth + 8> frames{};
  boost::stacktrace::safe_dump_to(frames.data(), sizeof frames);
  auto from = std::find(frames.begin(), frames.end(), thrower);
  if (from == frames.end()) from = frames.begin();
  auto const count = std::min(frames.end() - from, static_cast<std::ptrdiff_t>(depth));
  std::fill(std::copy_n(from, count, point.frames.begin()), point.frames.end(), nullptr);
}

}  // namespace
#endif

}  // namespace procx::inline v1::detail

#ifndef PROCX_SANITIZED
// Interposed, not replaced: the C++ runtime offers no other moment at which the stack of a throw still stands.
extern "C" [[noreturn]] void __cxa_throw(void* object, void* type, void (*destroy)(void*)) {
  static constinit std::atomic<procx::detail::throw_function> found = nullptr;  // no guard: it would hang a child
  auto real = found.load(std::memory_order_relaxed);
  if (!real) [[unlikely]] {
    real = reinterpret_cast<procx::detail::throw_function>(::dlsym(RTLD_NEXT, "__cxa_throw"));
    found.store(real, std::memory_order_relaxed);
  }
  if (procx::detail::throws.on) procx::detail::note_throw(object, __builtin_return_address(0));
  real(object, type, destroy);
  __builtin_unreachable();
}
#endif
