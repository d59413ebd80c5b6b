#pragma once

#include <procx/version.hpp>

#include <procx/stash/multi_process_factory_stash.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace procx::inline v1 {

/// A `multi_process_factory_stash` that lives with failures: a key whose `load` threw, crashed or took too long has no value, and
/// the reason is kept in the store, where other processes find it too.
///
/// A key that has failed is not computed again until `reprocess_failures`. With `protect_work = false` nothing is kept: the
/// first failure ends computing, and is thrown.
/// \code
/// px::multi_process_robust_stash<parsed> all(std::make_unique<px::sqlite_stash<parsed>>("corpus.db", "parsed"),
///                                            std::make_unique<corpus>());
/// for (auto const& [key, text] : all) use(text);
/// for (auto const& [key, why] : all.failures()) std::cerr << key << ": " << why.message << '\n';
/// \endcode
template <class T>
class multi_process_robust_stash : public multi_process_factory_stash<T> {
 public:
  multi_process_robust_stash(std::unique_ptr<stash<T>> store, std::unique_ptr<stash_factory<T>> factory,
                             stash_options const& options = {})
      : multi_process_factory_stash<T>(std::move(store), std::move(factory), options, true) {}

  /// The keys that have failed, and why: what was thrown, or how the process died. Computes nothing.
  std::map<std::string, exception_record> failures() { return this->computing().failures(); }
  /// Computes those keys once more. Returns the ones that have a value now.
  std::set<std::string> reprocess_failures() { return this->computing().reprocess_failures(); }
};

}  // namespace procx::inline v1
