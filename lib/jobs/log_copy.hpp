#pragma once

#include "address/address.hpp"
#include "system/descriptor.hpp"

#include <cstdint>

namespace procx::inline v1::detail {

/// Copies what is in the file ADDRESS.log to a descriptor, as it grows.
class log_copy {
 public:
  /// `output`: −1 means that nothing is written.
  log_copy(address const& at, int output, bool from_now);

  /// Where it is.
  std::uint64_t position() const noexcept { return position_; }
  /// Copies what is there, at most up to `end`. False if nobody reads the output any more. Throws system_error.
  bool copy_until(std::uint64_t end);

 private:
  enum class moved { some, nothing, nobody_reads };
  moved send(std::size_t most);
  moved copy(std::size_t most);

  descriptor file_;  // empty if there is none
  int output_;
  bool sends_ = true;
  std::uint64_t position_ = 0;
};

}  // namespace procx::inline v1::detail
