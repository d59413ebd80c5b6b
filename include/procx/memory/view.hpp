#pragma once

#include <procx/version.hpp>

#include <procx/wire/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <ranges>
#include <span>
#include <type_traits>
#include <vector>

namespace procx::inline v1 {

/// Numbers or plain structs that lie where they arrived: a parameter or a result without a copy.
///
/// On the wire it is what a `std::vector<T>` is, so one side may send a vector and the other take a view. As a parameter
/// of a task it refers to the message or the shared memory itself, and is valid until the task returns; as a result, or
/// received from a channel, it keeps what it refers to. Copies refer to the same elements. Thread safety: as of a
/// `std::shared_ptr<T const>`. Cost: none for 32 KiB and more between a pool and its workers; below that, and where the
/// elements are not aligned, one copy.
/// \code
/// double sum(px::view<double> samples) { return std::accumulate(samples.begin(), samples.end(), 0.0); }
/// \endcode
template <class T>
class view : public std::ranges::view_interface<view<T>> {
  static_assert(detail::is_bitwise<T>,
                "procx: a view is of numbers or of structs of numbers without holes (no padding bytes, no pointers)");

 public:
  using value_type = T;

  view() noexcept = default;
  /// What somebody else keeps for as long as the view is used.
  explicit view(std::span<T const> elements, std::shared_ptr<void const> keeper = nullptr) noexcept
      : elements_(elements), keeper_(std::move(keeper)) {}

  T const* data() const noexcept { return elements_.data(); }
  std::size_t size() const noexcept { return elements_.size(); }
  T const* begin() const noexcept { return data(); }
  T const* end() const noexcept { return data() + size(); }
  operator std::span<T const>() const noexcept { return elements_; }

 private:
  std::span<T const> elements_;
  std::shared_ptr<void const> keeper_;
};

namespace detail {

/// Elements in place if they may stay where they are and are aligned; else a copy.
template <class T>
view<T> view_of(input_archive& in) {
  auto const [from, count, block] = in.load_range(sizeof(T));
  bool const aligned = reinterpret_cast<std::uintptr_t>(from) % alignof(T) == 0;
  if (aligned && in.blocks()) {
    std::span<T const> const elements(reinterpret_cast<T const*>(from), count);
    if (in.blocks()->lasting()) return view<T>(elements);
    if (block) return view<T>(elements, in.blocks()->keep(*block));
  }
  if (count == 0) return {};
  std::shared_ptr<void> copy(::operator new(count * sizeof(T), std::align_val_t(alignof(T))),
                             [](void* p) { ::operator delete(p, std::align_val_t(alignof(T))); });
  std::memcpy(copy.get(), from, count * sizeof(T));
  return view<T>({static_cast<T const*>(copy.get()), count}, copy);
}

}  // namespace detail

template <class T>
struct codec<view<T>> {
  using parts = detail::type_list<T>;
  static constexpr auto tag = detail::shape::sequence;
  static void save(output_archive& out, view<T> const& value) { out.save_range(value.data(), value.size(), sizeof(T)); }
  static view<T> make(input_archive& in) { return detail::view_of<T>(in); }
};

}  // namespace procx::inline v1

template <class T>
inline constexpr bool std::ranges::enable_borrowed_range<procx::view<T>> = false;
