#pragma once

#include <procx/version.hpp>

#include <procx/stash/byte_store.hpp>
#include <procx/stash/stash_error.hpp>
#include <procx/wire/fingerprint.hpp>
#include <procx/wire/portable.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace procx::inline v1 {

/// What all stashes have in common, without the type of their values.
class any_stash {
 public:
  explicit any_stash(std::unique_ptr<byte_store> store) : store_(std::move(store)) {}
  any_stash(any_stash const&) = delete;
  any_stash& operator=(any_stash const&) = delete;
  virtual ~any_stash() = default;

  /// Takes the value away; returns whether there was one.
  bool erase(std::string const& key) { return store_->erase(record_kind::value, key); }
  /// Whether there is a value now; never computes one.
  bool exists(std::string const& key) { return store_->exists(record_kind::value, key); }
  /// All keys that have a value, in no order. Cost: goes through the whole store.
  std::vector<std::string> keys() { return store_->keys(record_kind::value); }
  /// How many keys have a value.
  std::size_t size() { return store_->count(record_kind::value); }
  bool empty() { return size() == 0; }
  /// Takes away all values and what else is in the store.
  void clear() { store_->clear(); }

  /// The encoded bytes of the values. Valid as long as the stash.
  byte_store& storage() noexcept { return *store_; }

 private:
  std::unique_ptr<byte_store> store_;
};

/// Values by keys: the interface of every stash, over a store of bytes.
///
/// Keys are any bytes. Values are kept in the portable form (docs/wire-format.md), so that another program can read them.
/// Errors: `stash_error` from the store; `protocol_error` if bytes are not a `T`. Thread-safe, where the store is: all of
/// procx's are. A type that has no portable form is refused by the compiler.
/// \code
/// px::directory_stash<picture> pictures("cache/pictures");
/// pictures.dump("sunset", render(scene));
/// if (std::optional<picture> p = pictures.load("sunset")) show(*p);
/// \endcode
template <class T>
class stash : public any_stash {
 public:
  using value_type = T;
  class iterator;

  using any_stash::any_stash;

  /// The value of the key; none if there is none.
  std::optional<T> load(std::string const& key) {
    std::vector<std::byte> bytes;
    if (storage().get(record_kind::value, key, bytes) != byte_store::found::record) return std::nullopt;
    return decode_portable<T>(bytes);
  }
  /// The same, or what to use instead.
  T get(std::string const& key, T otherwise) {
    std::optional<T> value = load(key);
    return value ? std::move(*value) : std::move(otherwise);
  }
  /// The same; throws std::out_of_range if there is none.
  T at(std::string const& key) {
    if (std::optional<T> value = load(key)) return std::move(*value);
    throw std::out_of_range("the stash has no value for this key");
  }
  /// Puts a value, over the one that was there.
  void dump(std::string const& key, T const& value) {
    byte_store::record const one{record_kind::value, key, encode_portable(value)};
    storage().put({&one, 1});
  }

  /// Iterates over pairs of key and value: of the keys that there are now, as far as they still have a value when it is their
  /// turn. Cost: loads one value at a time.
  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }
};

/// An input iterator; its copies go on together.
template <class T>
class stash<T>::iterator {
 public:
  using value_type = std::pair<std::string, T>;
  using difference_type = std::ptrdiff_t;

  explicit iterator(stash& from) : state_(std::make_shared<state>(from)) { state_->advance(); }
  value_type& operator*() const noexcept { return *state_->current; }
  value_type* operator->() const noexcept { return &*state_->current; }
  iterator& operator++() {
    state_->advance();
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const noexcept { return !state_->current; }

 private:
  struct state {
    explicit state(stash& from) : of(&from), keys(from.keys()) {}
    void advance() {
      current.reset();
      while (!current && next < keys.size()) {
        std::string& key = keys[next++];
        if (std::optional<T> value = of->load(key)) current.emplace(std::move(key), std::move(*value));
      }
    }
    stash* of;
    std::vector<std::string> keys;
    std::size_t next = 0;
    std::optional<value_type> current;
  };
  std::shared_ptr<state> state_;
};

}  // namespace procx::inline v1
