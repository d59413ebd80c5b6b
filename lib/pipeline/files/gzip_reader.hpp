#pragma once

#include "pipeline/files/input_file.hpp"
#include "pipeline/files/zlib_library.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <vector>

namespace procx::inline v1::detail {

/// What is in a file that gzip has made, from its beginning to its end: of several members one after the other. Zeros behind the
/// last one are padding, as of tapes.
class gzip_reader {
 public:
  explicit gzip_reader(input_file const& file);
  gzip_reader(gzip_reader const&) = delete;
  gzip_reader& operator=(gzip_reader const&) = delete;
  ~gzip_reader();

  /// At least one byte, unless it is the end. Throws file_error where the file is damaged or cut off, when all before that place was
  /// given.
  std::size_t read(std::span<char> into);

 private:
  void inflate_some();
  bool begin_member();
  bool fill();
  [[noreturn]] void fail(char const* what) const;

  zlib_library const& zlib_;
  input_file const& file_;
  zlib_library::stream stream_{};
  std::vector<char> compressed_;
  std::uint64_t fetched_ = 0;  // bytes of the file
  std::uint64_t given_ = 0;    // to earlier calls
  unsigned room_ = 0;          // of this one
  bool in_member_ = false;
  bool is_first_ = true;
  std::exception_ptr failure_;
};

}  // namespace procx::inline v1::detail
