#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace procx::inline v1::detail {

/// A queue in one ring of memory, which grows and is used again: what `std::deque` costs in blocks of its own is most
/// of the price of a small task.
template <class T>
class ring_queue {
 public:
  ring_queue() noexcept = default;
  ring_queue(ring_queue const& other) {
    for (std::size_t i = 0; i < other.size_; ++i) push_back(other[i]);
  }
  ring_queue(ring_queue&& other) noexcept { swap(other); }
  ring_queue& operator=(ring_queue other) noexcept {
    swap(other);
    return *this;
  }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  T& operator[](std::size_t i) noexcept { return ring_[(first_ + i) & mask()]; }
  T const& operator[](std::size_t i) const noexcept { return ring_[(first_ + i) & mask()]; }
  T& front() noexcept { return (*this)[0]; }
  T const& front() const noexcept { return (*this)[0]; }
  T& back() noexcept { return (*this)[size_ - 1]; }

  void push_back(T value) {
    if (size_ == capacity_) grow();
    ring_[(first_ + size_++) & mask()] = std::move(value);
  }
  void push_front(T value) {
    if (size_ == capacity_) grow();
    first_ = (first_ - 1) & mask();
    ++size_;
    ring_[first_] = std::move(value);
  }
  void pop_front() noexcept {
    first_ = (first_ + 1) & mask();
    --size_;
  }
  void pop_back() noexcept { --size_; }
  void clear() noexcept { size_ = 0; }

  /// Puts one before the i-th; those from there on move back.
  void insert(std::size_t i, T value) {
    push_back(std::move(value));
    for (std::size_t at = size_ - 1; at > i; --at) std::swap((*this)[at - 1], (*this)[at]);
  }
  /// Takes one out of the middle; those behind it move up.
  void erase(std::size_t i) noexcept {
    for (; i + 1 < size_; ++i) (*this)[i] = std::move((*this)[i + 1]);
    --size_;
  }

 private:
  void swap(ring_queue& other) noexcept {
    ring_.swap(other.ring_);
    std::swap(capacity_, other.capacity_);
    std::swap(first_, other.first_);
    std::swap(size_, other.size_);
  }
  std::size_t mask() const noexcept { return capacity_ - 1; }
  void grow() {
    std::size_t const capacity = capacity_ ? capacity_ * 2 : 16;
    auto larger = std::make_unique<T[]>(capacity);
    for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    ring_ = std::move(larger);
    capacity_ = capacity;
    first_ = 0;
  }

  std::unique_ptr<T[]> ring_;
  std::size_t capacity_ = 0;  // a power of two
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace procx::inline v1::detail
