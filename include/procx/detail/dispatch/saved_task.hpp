#pragma once

#include <procx/wire/archive.hpp>
#include <procx/detail/wire/blocks.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace procx::inline v1::detail {

/// The arguments of a task that failed, as they are kept in a file.
///
/// The file is one line "procx task 1", then what this archive writes of the members. It is read by the program that
/// wrote it, or one in which the arguments' types are the same.
class saved_task {
 public:
  std::string type;    ///< of the arguments, as typeid(…).name() tells
  std::string failure; ///< what became of the task
  std::vector<std::byte> arguments;
  std::map<std::uint64_t, std::vector<std::byte>> blocks;  ///< what lies outside of `arguments`

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & type & failure & arguments & blocks;
  }

  /// Writes it to a file in the directory, which is made if it is not there; under a name that nobody has, in whatever
  /// container or on whatever machine. The file is there as a whole or not at all. Throws
  /// std::filesystem::filesystem_error.
  std::filesystem::path save(std::filesystem::path const& directory) const;
  /// Makes the directory and tries whether there may be files in it. Throws as `save`.
  static void prepare(std::filesystem::path const& directory);
  /// Throws system_error, and protocol_error if the file is not one of these.
  static saved_task load(std::filesystem::path const& file);
};

/// Where an archive finds the blocks of a saved task.
class saved_blocks final : public block_source {
 public:
  explicit saved_blocks(saved_task const& from) : blocks_(from.blocks) {}
  std::span<std::byte const> find(std::uint64_t number, std::size_t size) override;
  std::shared_ptr<void> keep(std::uint64_t) override { return nullptr; }
  bool lasting() const noexcept override { return true; }

 private:
  std::map<std::uint64_t, std::vector<std::byte>> const& blocks_;
};

/// Throws std::invalid_argument: the callable to replay with takes other arguments.
[[noreturn]] void refuse_to_replay(saved_task const& saved, char const* taken);

}  // namespace procx::inline v1::detail
