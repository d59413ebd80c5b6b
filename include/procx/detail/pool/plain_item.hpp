#pragma once

#include <procx/detail/pool/intake_fast_path.hpp>
#include <procx/detail/pool/intake_item.hpp>
#include <procx/detail/wire/plain.hpp>
#include <procx/wire/travel.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>

namespace procx::inline v1::detail {

/// An item of such parts: the same bytes as an `encoded_item` has, but their number is known, so that they can be written
/// where they go without asking whether there is room. No function takes this object's address on the fast path, so
/// that it is in registers there.
template <class... Parts>
class plain_item {
 public:
  explicit plain_item(task_head const& head, Parts const&... parts) noexcept
      : callable_(head.callable), entry_(head.entry), function_(head.function), parts_(parts...) {}

  /// By the fast path, if it is open.
  std::uint64_t try_put(intake_fast_path& in) const noexcept {
    return in.try_put(callable_, entry_, function_, size, [this](std::byte* to) { write(to); });
  }
  /// Calls it with the item as bytes.
  template <class Use>
  auto use(Use use) const {
    std::array<std::byte, arguments_length_size + size + copy_padding> bytes;
    write(bytes.data());
    intake_item item;
    item.bytes = std::span(bytes).first(arguments_length_size + size);
    item.is_task = true;
    item.head = {callable_, entry_, function_};
    return use(std::as_const(item));
  }

 private:
  static constexpr std::size_t size = (std::size_t{0} + ... + sizeof(Parts));

  void write(std::byte* to) const noexcept {
    write_plain(write_plain(to, std::uint64_t{size}), parts_);
  }

  // Three scalars instead of a task_head: a struct would be stored in pieces and loaded as a whole, a store-forwarding stall.
  std::uint32_t callable_;
  image_offset entry_;
  image_offset function_;
  std::tuple<Parts...> parts_;
};

/// Whether there is nothing to send of a callable but the place of its code.
template <class F>
inline constexpr bool has_no_state = is_function_pointer<F> || (is_stateless<F> && !shows_serialize<F>);
/// Whether a `plain_item` may have a copy of such an argument.
template <class T>
inline constexpr bool can_be_kept = is_plain<T> && std::is_copy_constructible_v<T>;

template <class... Parts>
plain_item<Parts...> kept_item(plain_item<Parts...> const& item) {
  return item;
}

}  // namespace procx::inline v1::detail
