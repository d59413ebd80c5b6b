#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <utility>

namespace procx::inline v1 {

/// What a stage of a pipeline returns that makes any number of results of one item as a coroutine: each `co_yield` is one. They go
/// on one by one, and the coroutine runs on when the one before has been passed on.
/// Its parameters last as long as the coroutine only if they are taken by value.
/// \code
/// px::generator<std::string> words(std::string line) {
///   std::istringstream in(line);
///   for (std::string word; in >> word;) co_yield word;
/// }
/// \endcode
template <class T>
class generator {
 public:
  using value_type = T;

  class promise_type {
   public:
    generator get_return_object() { return generator(handle::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    std::suspend_always yield_value(T& value) noexcept { return keep(value); }
    std::suspend_always yield_value(T&& value) noexcept { return keep(value); }
    std::suspend_always yield_value(T const& value) {
      copy_ = std::make_unique<T>(value);
      return keep(*copy_);
    }
    void return_void() const noexcept {}
    void unhandled_exception() { throw; }
    T& value() const noexcept { return *value_; }

   private:
    std::suspend_always keep(T& value) noexcept {
      value_ = std::addressof(value);
      return {};
    }

    T* value_ = nullptr;
    std::unique_ptr<T> copy_;
  };

  generator(generator&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  generator& operator=(generator&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~generator() {
    if (coroutine_) coroutine_.destroy();
  }

  /// Runs to the next `co_yield`: its value, from which may be moved; null at the end. Throws what the coroutine throws, which is
  /// over then.
  T* next() {
    if (!coroutine_ || coroutine_.done()) return nullptr;
    coroutine_.resume();
    return coroutine_.done() ? nullptr : std::addressof(coroutine_.promise().value());
  }

 private:
  using handle = std::coroutine_handle<promise_type>;
  explicit generator(handle coroutine) noexcept : coroutine_(coroutine) {}

  handle coroutine_;
};

}  // namespace procx::inline v1
