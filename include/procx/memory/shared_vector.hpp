#pragma once

#include <procx/version.hpp>

#include <procx/detail/memory/slab.hpp>
#include <procx/memory/view.hpp>
#include <procx/wire/codec.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace procx::inline v1 {

/// A vector of fixed size in memory that a pool's processes share, so that it can be sent without a copy.
///
/// A worker that fills one and returns it gives it to the parent, where it is the result, in place; the parent may fill
/// one and give it to tasks, which see it as it is then by way of a `px::view<T>`, or get a copy of their own if they
/// ask for a `px::shared_vector<T>`. A task that asks for a `px::shared_vector<T>` and is given a `std::vector<T>` may
/// change it in place and return it, if it is not to be tried again: then there is one copy at each end and no other. Below
/// 32 KiB, or when shared memory has run out, it lies on the heap and is copied like any other value. What has been returned
/// from a task must not be changed any more. On the wire it is what a `std::vector<T>` is. Elements are not initialized
/// unless `fill` is given. Copying the object is not possible.
/// Thread safety: as of a `std::vector`. Lifetime: its own. Cost: memory that was used before is warm, so that no page
/// faults are paid; new memory costs what it costs the system.
/// \code
/// px::shared_vector<float> render(int frame) { px::shared_vector<float> pixels(4'000'000); … return pixels; }
/// \endcode
template <class T>
class shared_vector {
  static_assert(detail::is_bitwise<T>,
                "procx: a shared_vector is of numbers or of structs of numbers without holes (no padding bytes, no pointers)");

 public:
  using value_type = T;

  shared_vector() noexcept = default;
  explicit shared_vector(std::size_t size) : size_(size) {
    std::size_t const bytes = size * sizeof(T);
    if (size > ~std::size_t{0} / sizeof(T)) throw std::bad_array_new_length();
    if (bytes >= detail::block_threshold)
      if (detail::slab s = detail::slab::allocate(bytes)) {
        auto holder = std::make_shared<detail::slab>(std::move(s));
        data_ = reinterpret_cast<T*>(holder->data());
        slab_ = std::move(holder);
        return;
      }
    if (size == 0) return;
    heap_.reset(::operator new(bytes, std::align_val_t(alignof(T))));
    data_ = static_cast<T*>(heap_.get());
  }
  shared_vector(std::size_t size, T const& fill) : shared_vector(size) { std::fill_n(data_, size, fill); }
  shared_vector(shared_vector&& other) noexcept { swap(other); }
  shared_vector& operator=(shared_vector&& other) noexcept {
    shared_vector(std::move(other)).swap(*this);
    return *this;
  }

  T* data() noexcept { return data_; }
  T const* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  T const& operator[](std::size_t i) const noexcept { return data_[i]; }
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }
  T const* begin() const noexcept { return data_; }
  T const* end() const noexcept { return data_ + size_; }
  operator std::span<T>() noexcept { return {data_, size_}; }
  operator std::span<T const>() const noexcept { return {data_, size_}; }
  /// Whether it lies in shared memory.
  bool shared() const noexcept { return slab_ != nullptr; }

 private:
  friend struct codec<shared_vector>;

  struct free_aligned {
    void operator()(void* p) const noexcept { ::operator delete(p, std::align_val_t(alignof(T))); }
  };
  void swap(shared_vector& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    slab_.swap(other.slab_);
    heap_.swap(other.heap_);
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::shared_ptr<void> slab_;  // a detail::slab
  std::unique_ptr<void, free_aligned> heap_;
};

template <class T>
struct codec<shared_vector<T>> {
  using parts = detail::type_list<T>;
  static constexpr auto tag = detail::shape::sequence;
  static void save(output_archive& out, shared_vector<T> const& value) {
    if (value.slab_ && out.blocks())
      if (auto const number = out.blocks()->give_away(value.slab_)) return out.save_outside(value.size(), *number);
    out.save_range(value.data(), value.size(), sizeof(T));
  }
  static shared_vector<T> make(input_archive& in) {
    auto const [from, count, block] = in.load_range(sizeof(T));
    if (block)
      if (auto held = in.blocks()->keep(*block)) {  // it came with the message, and is ours from now on
        shared_vector<T> whole;
        whole.data_ = const_cast<T*>(reinterpret_cast<T const*>(from));
        whole.size_ = count;
        whole.slab_ = std::move(held);
        return whole;
      }
    shared_vector<T> copy(count);
    if (count) std::memcpy(static_cast<void*>(copy.data()), from, count * sizeof(T));
    return copy;
  }
};

}  // namespace procx::inline v1
