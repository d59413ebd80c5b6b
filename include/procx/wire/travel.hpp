#pragma once

#include <procx/version.hpp>

#include <procx/wire/codec.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

/// What is said about a callable that cannot go to a running process.
#define PROCX_CANNOT_TRAVEL                                                                                              \
  "procx: this callable cannot travel to a running process, since it may hold references; pass what it captured as an "  \
  "argument, or have the processes inherit it: auto f = pool.add(lambda) for a pool, px::parallel_single_task_queue for " \
  "a queue; px::by_value(lambda) if all it captured are numbers"

namespace procx::inline v1 {

/// A lambda whose writer vouches for what it captured: values, and nothing that points elsewhere.
template <class F>
struct travelling_lambda {
  static_assert(std::is_trivially_copyable_v<F>,
                "procx::by_value: what this lambda captured is more than its bytes (a std::string, a std::vector); pass it as "
                "an argument, or have the processes inherit it: auto f = pool.add(lambda)");
  F fn;

  template <class... Args>
    requires std::invocable<F&, Args...>
  decltype(auto) operator()(Args&&... args) {
    return fn(std::forward<Args>(args)...);
  }
  template <class... Args>
    requires std::invocable<F const&, Args...>
  decltype(auto) operator()(Args&&... args) const {
    return fn(std::forward<Args>(args)...);
  }
};

namespace detail {

/// Debug builds look for captured words that are addresses on the stack or the heap, and throw std::invalid_argument.
void check_no_addresses(void const* object, std::size_t size);

}  // namespace detail

/// Lets a lambda with captures travel to a process that runs already. The captures must be trivially copyable, and
/// must not be or contain pointers or references; a debug build (no NDEBUG) looks for such words and throws
/// std::invalid_argument.
template <class F>
travelling_lambda<F> by_value(F fn) {
#ifndef NDEBUG
  if constexpr (!std::is_empty_v<F>) detail::check_no_addresses(&fn, sizeof fn);
#endif
  return {std::move(fn)};
}

namespace detail {

template <class T>
inline constexpr bool is_by_value = false;
template <class F>
inline constexpr bool is_by_value<travelling_lambda<F>> = true;

}  // namespace detail

/// Its writer has vouched for it.
template <class F>
inline constexpr bool send_as_bytes<travelling_lambda<F>> = true;

namespace detail {

template <class F>
inline constexpr bool is_function_pointer = std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>;

template <class F>
inline constexpr bool is_stateless = std::is_class_v<F> && std::is_empty_v<F> && std::is_default_constructible_v<F>;

/// A function object that is an aggregate: its members are what it holds. (A lambda is none.)
template <class F>
concept is_sent_by_members = std::is_class_v<F> && kind_of<F> == value_kind::members && is_encodable<F>;

/// Whether a callable can go to a process that runs already: as the place of its code, and its state.
template <class F>
concept travels = is_function_pointer<F> || is_stateless<F> || is_by_value<F> || shows_serialize<F> || is_sent_by_members<F>;

/// Why a callable cannot go to a process that runs already.
enum class callable_refusal { member_pointer, function_holder, captures };
template <class F>
inline constexpr callable_refusal refusal_of_callable = std::is_member_pointer_v<F> ? callable_refusal::member_pointer
                                                        : is_function_holder<F>     ? callable_refusal::function_holder
                                                                                    : callable_refusal::captures;
/// What the compiler says then.
template <class F, callable_refusal Why>
struct cannot_travel {
  static constexpr bool is_captures = Why == callable_refusal::captures;
  static constexpr bool is_member_pointer = Why == callable_refusal::member_pointer;
  static constexpr bool is_function_holder = Why == callable_refusal::function_holder;
  static_assert(!is_captures, PROCX_CANNOT_TRAVEL);
  static_assert(!is_member_pointer,
                "procx: a pointer to a member cannot travel to a running process; use a lambda that takes the object: "
                "[](thing const& object, int argument) { return object.function(argument); }");
  static_assert(!is_function_holder,
                "procx: a std::function cannot travel to a running process, since nobody knows what it holds; give the "
                "function or lambda itself, or have the processes inherit it: auto f = pool.add(function)");
};
template <class F>
using complaint_about_callable = cannot_travel<F, refusal_of_callable<F>>;

/// What is sent for an argument: text that is pointed to goes as a string, everything else as it is.
template <class T>
using sent_type = std::conditional_t<std::is_convertible_v<std::decay_t<T>, char const*>, std::string, std::decay_t<T>>;

template <class T>
concept travels_as_argument = !only_points<T> || std::is_convertible_v<T, char const*>;

/// A place in the program's own image, as a number that means the same in every process of the same program.
using image_offset = std::int64_t;
void image_anchor() noexcept;  ///< offset 0; any function of the image will do
inline image_offset offset_of(void (*function)()) noexcept {
  if (!function) return 0;
  return reinterpret_cast<std::int64_t>(function) - reinterpret_cast<std::int64_t>(&image_anchor);
}
inline void (*function_at(image_offset offset) noexcept)() {
  if (offset == 0) return nullptr;
  // What came from elsewhere may be any number: the sum wraps around.
  auto const sum = reinterpret_cast<std::uint64_t>(&image_anchor) + static_cast<std::uint64_t>(offset);
  return reinterpret_cast<void (*)()>(static_cast<std::uintptr_t>(sum));
}

/// Finds functions of which this process must have the code, and remembers the last.
class function_finder {
 public:
  /// Throws protocol_error if there is no code: it is in a library that was loaded later, elsewhere.
  void (*find(image_offset offset))() {
    if (offset != last_.load(std::memory_order_relaxed)) [[unlikely]] check(offset);
    return function_at(offset);
  }

 private:
  void check(image_offset offset);

  std::atomic<image_offset> last_ = 0;
};

/// Whether it lies in the image of the program, as procx itself does, and not in a shared library, which might be elsewhere or
/// missing next time.
bool in_program_image(void (*function)()) noexcept;

/// How a packed callable is taken apart and called; `context` is what the place where it arrives has to offer.
using travel_entry = void (*)(input_archive& in, void* context);

/// A callable and its arguments, packed for a process of the same program.
struct traveller {
  travel_entry entry;
  buffer state;
};

template <class F>
void send_callable(output_archive& out, F const& fn) {
  if constexpr (is_function_pointer<F>) {
    image_offset const offset = offset_of(reinterpret_cast<void (*)()>(fn));
    out << offset;
  } else if constexpr (is_by_value<F>) {
    save_as_memory(out, fn);
  } else if constexpr (shows_serialize<F> || is_sent_by_members<F>) {
    save_to_make(out, fn);
  } else {
    (void)out, (void)fn;
  }
}

template <class F>
F receive_callable(input_archive& in) {
  if constexpr (is_function_pointer<F>) {
    image_offset offset = 0;
    in >> offset;
    static constinit function_finder finder;
    return reinterpret_cast<F>(finder.find(offset));
  } else if constexpr (is_by_value<F>) {
    union slot {
      slot() {}
      F value;
    } place;
    in.load_binary(static_cast<void*>(&place), sizeof(F));
    return place.value;
  } else if constexpr (shows_serialize<F> || is_sent_by_members<F>) {
    return make<F>(in);
  } else {
    (void)in;
    return F{};
  }
}

template <class F, class Arguments>
traveller pack(travel_entry entry, F const& fn, Arguments const& arguments) {
  traveller packed{entry, {}};
  output_archive out(packed.state);
  send_callable(out, fn);
  save_to_make(out, arguments);
  return packed;
}

}  // namespace detail
}  // namespace procx::inline v1
