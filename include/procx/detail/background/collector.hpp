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

/// The client of one background process or of many: gives what they have kept, one at a time, without its type.
class collector {
 public:
  struct arrived {
    std::size_t source;                ///< which address, by the order of connecting
    std::uint64_t index;               ///< of the result, from 0 in the order in which it was sent
    std::span<std::byte const> bytes;  ///< valid until `next`
    std::exception_ptr error;          ///< instead of bytes
  };

  collector();
  collector(collector&&) noexcept;
  collector& operator=(collector&&) noexcept;
  ~collector();

  /// Throws connection_error if nobody listens there.
  void connect(std::filesystem::path const& address);
  std::filesystem::path const& address(std::size_t source) const;

  /// Acknowledges what was given last and waits for the next result of any; none when all have given all. That a connection
  /// breaks off is given as an error, and ends that one.
  std::optional<arrived> next();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace procx::inline v1::detail
