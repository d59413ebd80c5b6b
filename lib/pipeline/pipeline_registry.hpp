#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace procx::inline v1::detail {

/// A pipeline that has a name, as others see it. Thread-safe.
class named_pipeline {
 public:
  virtual ~named_pipeline() = default;
  virtual std::string const& name() const noexcept = 0;
  /// Takes an item whose type has this number. Throws protocol_error if it takes none such, sequence_error if it takes no more.
  virtual void accept(std::uint64_t type, std::span<std::byte const> item) = 0;
};

/// The pipelines of this program that have names, by the hash of their names. Thread-safe.
namespace pipeline_registry {

std::uint64_t number_of(std::string const& name) noexcept;
/// Throws sequence_error if another one has the name.
void add(std::uint64_t number, std::weak_ptr<named_pipeline> const& pipeline);
void remove(std::uint64_t number) noexcept;
/// Null if there is none.
std::shared_ptr<named_pipeline> find(std::uint64_t number);
/// Notes that one pipeline sends to another. Throws sequence_error if that one sends to the first, by others or itself: each
/// would wait for the other's end.
void note_sends(std::uint64_t from, std::uint64_t to);

}  // namespace pipeline_registry
}  // namespace procx::inline v1::detail
