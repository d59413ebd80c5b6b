#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace procx::inline v1::detail {

/// As memcpy, for few bytes, which have often just been written in words: the processor does not give a load of 16 bytes
/// what two stores of 8 have not yet written, but waits for it, as long as all else takes that a small task needs.
template <std::size_t Size>
void copy_words(std::byte* to, std::byte const* from) noexcept {
  constexpr std::size_t rest = Size % sizeof(std::uint64_t);
  for (std::size_t at = 0; at < Size - rest; at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, from + at, sizeof word);
    asm("" : "+r"(word));  // or the compiler makes larger loads of it
    std::memcpy(to + at, &word, sizeof word);
  }
  std::memcpy(to + Size - rest, from + Size - rest, rest);
}
template <class Copy16>
void copy_few(std::byte* to, std::byte const* from, std::size_t n, Copy16 copy_16) noexcept {
  if (n > 64) {
    std::memcpy(to, from, n);
    return;
  }
  for (; n >= 16; to += 16, from += 16, n -= 16) copy_16(to, from);
  if (n & 8) copy_words<8>(to, from), to += 8, from += 8;
  if (n & 4) std::memcpy(to, from, 4), to += 4, from += 4;
  if (n & 2) std::memcpy(to, from, 2), to += 2, from += 2;
  if (n & 1) *to = *from;
}
/// The same for a number of bytes that is not known before.
inline void copy_bytes(std::byte* to, std::byte const* from, std::size_t n) noexcept {
  copy_few(to, from, n, copy_words<16>);
}
/// And for what was written long ago: in pieces so large that whoever reads them next may load as much at a time.
inline void copy_old_bytes(std::byte* to, std::byte const* from, std::size_t n) noexcept {
  copy_few(to, from, n, [](std::byte* t, std::byte const* f) { std::memcpy(t, f, 16); });
}

/// As `copy_bytes`, where up to `copy_padding` bytes more may be read and written on either side.
inline constexpr std::size_t copy_padding = 15;
inline void copy_padded(std::byte* to, std::byte const* from, std::size_t n) noexcept {
  if (n > 128) {
    std::memcpy(to, from, n);
    return;
  }
  for (std::size_t at = 0; at < n; at += 16) copy_words<16>(to + at, from + at);
}

/// Bytes that grow at the end and are never zeroed first: a `std::vector<std::byte>` would write everything twice.
class buffer {
 public:
  buffer() noexcept = default;
  buffer(buffer&& other) noexcept { swap(other); }
  buffer& operator=(buffer&& other) noexcept {
    buffer(std::move(other)).swap(*this);
    return *this;
  }
  explicit buffer(std::span<std::byte const> bytes) { append(bytes.data(), bytes.size()); }
  ~buffer() { std::free(data_); }

  std::byte* data() noexcept { return data_; }
  std::byte const* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  std::span<std::byte const> bytes() const noexcept { return {data_, size_}; }
  operator std::span<std::byte const>() const noexcept { return bytes(); }

  void clear() noexcept { size_ = 0; }
  /// Shrinks, or grows over bytes that have been written by way of `reserve` and `data`.
  void set_size(std::size_t n) noexcept { size_ = n; }

  void reserve(std::size_t n) {
    if (n > capacity_) reallocate(n);
  }

  /// Room for `n` bytes behind the last one, which becomes part of the buffer: the caller writes them.
  std::byte* extend(std::size_t n) {
    if (capacity_ - size_ < n) grow(n);
    std::byte* const at = data_ + size_;
    size_ += n;
    return at;
  }

  void append(void const* from, std::size_t n) {
    if (n) std::memcpy(extend(n), from, n);
  }
  template <std::size_t Size>
  void append_words(std::byte const* from) {
    copy_words<Size>(extend(Size), from);
  }

  /// Drops the first `n` bytes; the rest moves to the front.
  void drop_front(std::size_t n) noexcept {
    if (n < size_ && n) std::memmove(data_, data_ + n, size_ - n);
    size_ -= n;
  }

  void release() noexcept { buffer().swap(*this); }

  void swap(buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  // Not inline: who appends a few words has more of them in registers.
  [[gnu::noinline]] void grow(std::size_t more) {
    std::size_t const needed = size_ + more;
    std::size_t const doubled = capacity_ * 2;
    reallocate(needed < doubled ? doubled : needed < 64 ? 64 : needed);
  }
  void reallocate(std::size_t capacity) {
    void* const p = std::realloc(data_, capacity);
    if (!p) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(p);
    capacity_ = capacity;
  }

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace procx::inline v1::detail
