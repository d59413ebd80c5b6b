#pragma once

#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/detail/pool/supply.hpp>
#include <procx/detail/wire/value_series.hpp>
#include <procx/pool/pmap_options.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <span>

namespace procx::inline v1::detail {

/// What the typed half of a pmap does for the compiled half.
class pmap_source {
 public:
  virtual ~pmap_source() = default;
  enum class drawn { nothing, input, failure };
  virtual supply inputs_come() const noexcept = 0;
  /// Takes the next input out of the range, if there is one. Takes as long as the range does, which may wait for results of
  /// the inputs before; throws what the range throws.
  virtual drawn fetch(std::exception_ptr& why) = 0;
  /// Writes the arguments of the input that was fetched last; throws what they throw.
  virtual void write_fetched(output_archive& out) = 0;
  /// Of how many bytes the arguments of each input are, if those are few, known, and written without an archive; else 0.
  virtual std::size_t plain_bytes() const noexcept = 0;
  /// Both for up to `most` such inputs, each behind its length, from `to` on; `count` grows with each. Less than `most`
  /// if there are no more, if the next one failed, or if the range throws.
  virtual drawn draw_plain(std::byte* to, std::size_t most, std::size_t& count, std::exception_ptr& why) = 0;
  /// How many inputs are left; the largest number if nobody knows.
  virtual std::size_t inputs_left() = 0;
  virtual void store_value(std::size_t index, encoded_value const& value) = 0;
  /// Those of the inputs from `first` on.
  virtual void store_values(std::size_t first, value_series const& values) = 0;
  virtual void store_failure(std::size_t index, std::exception_ptr error) = 0;
};

/// Draws inputs as results are consumed, and keeps the workers busy in between.
class pmap_engine {
 public:
  pmap_engine(pmap_options const& options, task_entry entry, std::shared_ptr<void> callable, pmap_source& source);
  pmap_engine(pmap_engine const&) = delete;
  pmap_engine& operator=(pmap_engine const&) = delete;
  ~pmap_engine();

  /// Runs until the condition holds; false if there is nothing left to wait for. Throws what the input range throws, once
  /// nothing that was drawn before is under way.
  /// `least_drawn`: draws so many inputs in all, if there are so many, whatever has been consumed.
  bool run_until(std::function<bool()> const& condition, std::size_t least_drawn = 0);
  /// So many results have been given away for good.
  void released(std::size_t count) noexcept;
  /// Inputs drawn so far; the number there are once `exhausted`.
  std::size_t drawn() const noexcept;
  bool exhausted() const noexcept;
  std::size_t busy_workers() const;

 private:
  class state;
  std::unique_ptr<state> state_;
};

}  // namespace procx::inline v1::detail
