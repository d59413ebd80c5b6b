#pragma once

#include <procx/version.hpp>

#include <string>
#include <vector>

namespace procx::inline v1 {

/// Where the values of a stash come from: which keys there are, and how to make the value of one.
///
/// `keys` and `clear` are called in the process that has the stash; `load` in workers, which inherit the factory as it is when
/// computing begins. Whatever `load` throws is that key's failure.
template <class T>
class stash_factory {
 public:
  using value_type = T;

  virtual ~stash_factory() = default;
  virtual std::vector<std::string> keys() const = 0;
  virtual T load(std::string const& key) const = 0;
  /// The stash is being cleared: what the factory has noted for itself may go too.
  virtual void clear() {}
};

}  // namespace procx::inline v1
