#pragma once

#include <procx/version.hpp>

#include <procx/detail/stash/priming_store.hpp>
#include <procx/stash/stash.hpp>
#include <procx/stash/stash_factory.hpp>
#include <procx/stash/stash_options.hpp>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace procx::inline v1 {
namespace detail {

template <class T>
class factory_source final : public key_source {
 public:
  explicit factory_source(std::unique_ptr<stash_factory<T>> factory) : factory_(std::move(factory)) {}
  std::vector<std::string> keys() const override { return factory_->keys(); }
  std::vector<std::byte> compute(std::string const& key) const override { return encode_portable<T>(factory_->load(key)); }
  void clear() override { factory_->clear(); }

 private:
  std::unique_ptr<stash_factory<T>> factory_;
};

template <class T>
std::unique_ptr<keyed_store> make_keyed_store(std::unique_ptr<stash<T>> store, std::unique_ptr<stash_factory<T>> factory,
                                              stash_options const& options, bool keep_failures) {
  if (!store || !factory) throw std::invalid_argument("a stash that computes needs a stash and a factory");
  return std::make_unique<keyed_store>(std::move(store), std::make_unique<factory_source<T>>(std::move(factory)), options,
                                       keep_failures);
}

}  // namespace detail

/// A stash whose values come from a factory: worker processes compute those that the stash below lacks, before the first is
/// asked for.
///
/// `load`, `get`, `at`, `keys`, `size` and iteration compute first (`prime`); `exists`, `dump` and `erase` do not; `clear` clears
/// the factory too. Values are stored as they come, so whatever ends the program, the next run computes only the rest. A value
/// that was found damaged is computed again when it is loaded.
/// Errors: what the first key that failed has thrown (`task_error`), after all other keys were computed and stored, each time
/// something is asked for: it is then tried again. For failures that are kept, see `multi_process_robust_stash`.
/// `sequence_error` from the factory's own use of the stash. `boost::system::system_error` if no process can be created.
/// Thread-safe: one thread computes, the others wait for it. Two processes that compute at once may compute a key twice.
template <class T>
class multi_process_factory_stash : public stash<T> {
 public:
  multi_process_factory_stash(std::unique_ptr<stash<T>> store, std::unique_ptr<stash_factory<T>> factory,
                              stash_options const& options = {})
      : multi_process_factory_stash(std::move(store), std::move(factory), options, false) {}

  /// Computes what is missing now, unless this object knows that nothing is.
  void prime() { computing().prime(); }
  /// Has the next use look for what is missing again: the factory has other keys, or somebody has taken values away.
  void invalidate() noexcept { computing().invalidate(); }
  /// How many values this object has had computed.
  std::size_t computed() noexcept { return computing().computed(); }

 protected:
  multi_process_factory_stash(std::unique_ptr<stash<T>> store, std::unique_ptr<stash_factory<T>> factory,
                              stash_options const& options, bool keep_failures)
      : stash<T>(detail::make_keyed_store<T>(std::move(store), std::move(factory), options, keep_failures)) {}

  detail::keyed_store& computing() noexcept { return static_cast<detail::keyed_store&>(this->storage()); }
};

}  // namespace procx::inline v1
