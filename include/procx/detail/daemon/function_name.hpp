#pragma once

#include <procx/detail/daemon/client_core.hpp>
#include <procx/detail/wire/buffer.hpp>
#include <procx/dispatch/registered_task.hpp>

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace procx::inline v1::detail {

/// The name under which this program has registered a function. Throws std::invalid_argument if it has not.
std::string_view registered_name(void (*function)());

template <class R, class... P>
std::string_view name_of(R (*function)(P...)) {
  return registered_name(reinterpret_cast<void (*)()>(function));
}

/// A call by name, in bytes of its own.
class encoded_call {
 public:
  /// `A`: the types of the parameters.
  template <class R, class... A>
  static encoded_call of(std::string_view name, std::type_identity_t<A> const&... arguments) {
    encoded_call c;
    c.name_ = name_hash(name);
    c.fingerprint_ = signature_fingerprint<R, A...>();
    save_named_call<R, A...>(c.bytes_, name, arguments...);
    return c;
  }

  named_call get() const noexcept { return {name_, fingerprint_, bytes_.bytes()}; }

 private:
  std::uint64_t name_ = 0;
  std::uint64_t fingerprint_ = 0;
  buffer bytes_;
};

}  // namespace procx::inline v1::detail
