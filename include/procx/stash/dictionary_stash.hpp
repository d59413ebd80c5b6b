#pragma once

#include <procx/version.hpp>

#include <procx/stash/stash.hpp>

#include <memory>

namespace procx::inline v1 {

/// Keeps records in the memory of this process.
std::unique_ptr<byte_store> make_dictionary_store();

/// A stash in the memory of this process, which lasts as long as it does. A value is encoded when it is dumped, and decoded
/// whenever it is loaded. Thread-safe.
template <class T>
class dictionary_stash : public stash<T> {
 public:
  dictionary_stash() : stash<T>(make_dictionary_store()) {}
};

}  // namespace procx::inline v1
