#pragma once

#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/wire/fingerprint.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

// Functions that are called by name, by programs that need not have them.
namespace procx::inline v1::detail {

/// FNV-1a, 64 bits, of a name. Source: Fowler, Noll, Vo.
constexpr std::uint64_t name_hash(std::string_view name) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (char const c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

/// What two sides of a call by name must agree on: the structure of all arguments and of the result.
template <class R, class... A>
consteval std::uint64_t signature_fingerprint() {
  return type_fingerprint<std::tuple<result_type<R>, std::tuple<std::decay_t<A>...>>>();
}

/// The type of a function as people write it: "int (std::string, std::vector<int>)".
std::string readable_type(char const* mangled);

/// Runs a function with arguments in the portable form, and writes its result in that form.
using named_entry = void (*)(portable_input_archive& arguments, portable_output_archive& result);

/// A function that is registered under a name, for as long as the program or the library runs that has it.
/// Thread-safe: made before main or while a library is loaded, and only read after that.
class registered_task {
 public:
  /// Ends the program with a sentence if another function has the name already.
  registered_task(char const* name, std::uint64_t fingerprint, char const* type, named_entry run, void (*function)(),
                  char const* file, int line) noexcept;
  registered_task(registered_task const&) = delete;
  ~registered_task();

  std::string_view name() const noexcept { return name_; }
  std::uint64_t hash() const noexcept { return hash_; }
  std::uint64_t fingerprint() const noexcept { return fingerprint_; }
  std::string signature() const { return readable_type(type_); }
  named_entry entry() const noexcept { return entry_; }

  /// Null if no function of this program has the name.
  static registered_task const* find(std::uint64_t hash) noexcept;
  /// The same for a function that is at hand.
  static registered_task const* find(void (*function)()) noexcept;

 private:
  char const* name_;
  std::uint64_t hash_;
  std::uint64_t fingerprint_;
  char const* type_;
  named_entry entry_;
  void (*function_)();
  char const* file_;
  int line_;
  registered_task* next_ = nullptr;
};

template <auto Function, class Type = std::remove_pointer_t<decltype(Function)>>
struct named_function;
template <auto Function, class R, class... A>
struct named_function<Function, R(A...)> {
  static constexpr std::uint64_t fingerprint() { return signature_fingerprint<R, A...>(); }
  static char const* type() noexcept { return typeid(std::decay_t<R>(std::decay_t<A>...)).name(); }
  static void run(portable_input_archive& in, portable_output_archive& out) {
    auto arguments = make<std::tuple<std::decay_t<A>...>>(in);
    if (in.left()) throw_bad_bytes("there are more bytes than the arguments have");
    if constexpr (std::is_void_v<R>) {
      std::apply(Function, std::move(arguments));
      save_to_make(out, std::monostate());
    } else {
      save_to_make<std::remove_cvref_t<R>>(out, std::apply(Function, std::move(arguments)));
    }
  }
};
template <auto Function, class R, class... A>
struct named_function<Function, R(A...) noexcept> : named_function<Function, R(A...)> {};

/// Appends the name, the signature as the caller knows it, and the arguments: a call by name without its head. Errors on the
/// other side say the name and both signatures.
template <class R, class... A>
void save_named_call(buffer& out, std::string_view name, std::type_identity_t<A> const&... arguments) {
  portable_output_archive archive(out);
  archive << std::string(name) << readable_type(typeid(std::decay_t<R>(std::decay_t<A>...)).name());
  (save_to_make<std::decay_t<A>>(archive, arguments), ...);
}

/// The entry of every task with a name; `object` is the `registered_task`, or null if the worker has none of the name.
void run_named(void* object, input_archive& arguments, output_archive& result);
/// The same where the function has another signature.
void refuse_named(void* object, input_archive& arguments, output_archive& result);

}  // namespace procx::inline v1::detail

#define PROCX_JOIN_AGAIN(a, b) a##b
#define PROCX_JOIN(a, b) PROCX_JOIN_AGAIN(a, b)

/// Registers a function under a name of its own, at namespace scope: `PROCX_TASK_AS(upper, "text/upper");`. Workers, daemons
/// and programs elsewhere call it by that name. Two functions under one name end the program when it starts, with a message
/// that names both.
#define PROCX_TASK_AS(function, name)                                                                            \
  [[maybe_unused]] static ::procx::detail::registered_task const PROCX_JOIN(procx_registered_task_, __COUNTER__)( \
      name, ::procx::detail::named_function<&function>::fingerprint(),                                           \
      ::procx::detail::named_function<&function>::type(), &::procx::detail::named_function<&function>::run,      \
      reinterpret_cast<void (*)()>(&function), __FILE__, __LINE__)

/// Registers a function under its own name, as it is written here: `PROCX_TASK(look_up);`.
#define PROCX_TASK(function) PROCX_TASK_AS(function, #function)
