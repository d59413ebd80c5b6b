#pragma once

#include <procx/detail/wire/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

namespace procx::inline v1::detail {

/// The numbers of a client's calls, which count up from 1, as the daemon sees them: no call is run twice. If the session is
/// kept without a connection, also the answers that the client has not acknowledged. Not thread-safe.
class call_ledger {
 public:
  /// `keeps`: answers are kept until they are acknowledged.
  explicit call_ledger(bool keeps) noexcept : keeps_(keeps) {}

  enum class arrival {
    fresh,     ///< to be run
    running,   ///< a call that came before a connection broke; its answer is still to come
    answered,  ///< likewise; the answer is here: `answer`
    gone,      ///< the client has acknowledged the answer
  };
  /// A call has come. Throws protocol_error if the number makes no sense: it was used before, or it is 0 or too large.
  arrival add(std::uint64_t id);
  /// Its answer, a whole frame. Returns true if it is to be sent: on this connection the client has asked for it.
  bool answered(std::uint64_t id, std::span<std::byte const> frame);
  /// The client is on another connection: it will ask again for what it has no answer to.
  void resume() noexcept;
  std::span<std::byte const> answer(std::uint64_t id) const { return answers_.at(id); }
  /// The client has the answer. One that is not here was acknowledged before.
  void acknowledged(std::uint64_t id) noexcept;

  bool keeps() const noexcept { return keeps_; }
  std::size_t answers() const noexcept { return answers_.size(); }
  std::size_t answer_bytes() const noexcept { return bytes_; }

  static constexpr std::uint64_t largest = (std::uint64_t{1} << 48) - 1;

 private:
  bool const keeps_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, bool> running_;     // only if it keeps answers; with whether this connection asks for it
  std::map<std::uint64_t, buffer> answers_;
  std::size_t bytes_ = 0;
};

}  // namespace procx::inline v1::detail
