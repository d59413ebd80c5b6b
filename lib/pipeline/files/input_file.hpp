#pragma once

#include "system/descriptor.hpp"

#include <procx/pipeline/file_error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace procx::inline v1::detail {

/// A regular file that is read. Errors are thrown as file_error.
class input_file {
 public:
  struct identity {
    std::uint64_t device = 0, inode = 0;
    std::uint64_t born = 0;  ///< in nanoseconds since 1970; 0: not known here
  };

  explicit input_file(std::string path);
  /// Of whatever is there; of inode 0 if it cannot be told.
  static identity identity_of(std::string const& path) noexcept;

  std::string const& path() const noexcept { return path_; }
  identity const& who() const noexcept { return who_; }
  /// When it was opened.
  std::uint64_t size() const noexcept { return size_; }
  /// Fewer bytes than there is room for only at the end of the file.
  std::size_t read_at(std::uint64_t offset, std::span<char> into) const;
  /// The bytes from there on, at most so many.
  std::string bytes_at(std::uint64_t offset, std::size_t size) const;

  [[noreturn]] void fail(boost::system::error_code code, std::string const& why) const { throw file_error(code, path_, why); }

 private:
  std::string path_;
  descriptor file_;
  identity who_;
  std::uint64_t size_ = 0;
};

}  // namespace procx::inline v1::detail
