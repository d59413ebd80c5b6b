#pragma once

#include <procx/version.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

/// The client side of one or more background processes: receives their results one at a time, as bytes.
class collector {
 public:
  struct arrived {
    std::size_t source;                ///< number of the address, from 0 in the order of connecting
    std::uint64_t index;               ///< number of the result at its address, from 0 in the order of sending
    std::span<std::byte const> bytes;  ///< the encoded value; valid until `next`
    std::exception_ptr error;          ///< set instead of `bytes` for a failure
  };

  collector();
  collector(collector&&) noexcept;
  collector& operator=(collector&&) noexcept;
  ~collector();

  /// Throws connection_error if no process listens there.
  void connect(std::filesystem::path const& address);
  std::filesystem::path const& address(std::size_t source) const;

  /// Acknowledges the result that was returned last, then waits for the next one of any address. Empty when all addresses have
  /// ended. A broken connection is returned as an error, once, and ends its address.
  std::optional<arrived> next();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace procx::inline v1::detail
