#pragma once

#include <procx/version.hpp>

#include <procx/detail/stash/priming_store.hpp>
#include <procx/stash/stash.hpp>
#include <procx/stash/stash_options.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace procx::inline v1 {

/// A stash whose values are computed from data, some of them at a time, in worker processes, before the first value is asked
/// for. To be derived from: `create_data` makes the data in this process, `process` turns a chunk of them into keys and values
/// in a worker, which has inherited the data; so they may be of any type. `chunk_size` says how many a chunk has; 0 makes one
/// for each worker.
///
/// `load`, `get`, `at`, `keys`, `size` and iteration compute first (`prime`); `exists`, `dump` and `erase` do not. What a chunk
/// gives is stored when it comes. That all is there is noted in the store when the last chunk has been stored, so that the
/// next run computes nothing; after a failure it computes all chunks again, for nobody knows which keys one would have had.
/// Errors: what the first chunk that failed has thrown (`task_error`), after the others were stored, or at once if not
/// `protect_work`; what `create_data` throws; `sequence_error` if either of the two uses the stash.
/// `boost::system::system_error` if no process can be created. Thread-safe: one thread computes, the others wait for it.
/// \code
/// struct lengths : px::multi_process_stash<std::size_t, fs::path> {
///   using multi_process_stash::multi_process_stash;
///   std::vector<fs::path> create_data() override { return files_in("corpus"); }
///   values process(std::span<fs::path const> files) const override;
/// };
/// \endcode
template <class T, class Data = std::string>
class multi_process_stash : public stash<T> {
 public:
  using values = std::vector<std::pair<std::string, T>>;

  explicit multi_process_stash(std::unique_ptr<stash<T>> store, stash_options const& options = {})
      : stash<T>(make_store(std::move(store), *this, options)) {}

  virtual std::vector<Data> create_data() = 0;
  virtual values process(std::span<Data const> chunk) const = 0;

  /// Computes all now, unless that has been done.
  void prime() { computing().prime(); }
  /// Has the next use look again whether all was computed: somebody else may have cleared the store.
  void invalidate() noexcept { computing().invalidate(); }
  /// How many values this object has had computed.
  std::size_t computed() noexcept { return computing().computed(); }

 private:
  class source;

  static std::unique_ptr<byte_store> make_store(std::unique_ptr<stash<T>> store, multi_process_stash& self,
                                                stash_options const& options) {
    if (!store) throw std::invalid_argument("a stash that computes needs a stash to put values into");
    return std::make_unique<detail::data_store>(std::move(store), std::make_unique<source>(self), options);
  }
  detail::data_store& computing() noexcept { return static_cast<detail::data_store&>(this->storage()); }
};

template <class T, class Data>
class multi_process_stash<T, Data>::source final : public detail::data_source {
 public:
  explicit source(multi_process_stash& of) : of_(of) {}

  std::size_t create() override {
    data_ = of_.create_data();
    return data_.size();
  }
  values process(std::size_t first, std::size_t count) const override {
    values encoded;
    for (auto& [key, value] : of_.process(std::span<Data const>(data_).subspan(first, count)))
      encoded.emplace_back(std::move(key), encode_portable<T>(value));
    return encoded;
  }
  void release() noexcept override { std::vector<Data>().swap(data_); }

 private:
  multi_process_stash& of_;
  std::vector<Data> data_;
};

}  // namespace procx::inline v1
