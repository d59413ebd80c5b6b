#pragma once

#include "input.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace etl {

/// All inputs of a run, as one row of chunks. The next chunk is the one with the earliest time: so of servers that share the work the logs
/// are read side by side, and old files before new ones.
class inputs {
 public:
  using sayer = std::function<void(std::string const&)>;

  /// Looks what the files are. What has been counted is left out, and what cannot be read; `say` is told of both.
  inputs(std::vector<std::string> const& names, std::vector<known_file> const& known, std::uint64_t chunk_size, sayer say);

  /// In the order of the numbers that chunks have.
  std::vector<known_file> const& files() const { return files_; }
  std::optional<chunk> next();

  /// Bytes on the disk that are to be read; 0 if that is not known.
  std::uint64_t weight() const { return weight_known_ ? weight_ : 0; }
  /// How many of the names could not be opened.
  std::uint64_t unreadable() const { return unreadable_; }
  /// How many have nothing new.
  std::uint64_t counted_before() const { return counted_before_; }

 private:
  void plan(std::string const& name, std::vector<known_file> const& known);
  bool is_double(first_look& look, known_file& file);

  sayer say_;
  std::vector<first_look> looks_;
  std::vector<known_file> files_;
  std::vector<std::unique_ptr<input>> all_;
  std::uint64_t weight_ = 0, unreadable_ = 0, counted_before_ = 0;
  bool weight_known_ = true;
};

}  // namespace etl
