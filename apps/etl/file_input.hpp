#pragma once

#include "input.hpp"

namespace etl {

/// A regular file that is not packed: workers read it. It ends where it ended when it was opened.
class file_input : public input {
 public:
  file_input(known_file file, std::uint64_t number, std::uint64_t chunk_size, epoch_seconds first_time)
      : input(std::move(file), number, chunk_size, first_time), at_(file_.offset) {}
  ~file_input() override;

 private:
  void open() override;
  chunk make() override;
  std::uint64_t line_from(std::uint64_t offset) const;
  std::string_view read(std::uint64_t offset, std::size_t most) const;

  int fd_ = -1;
  std::uint64_t at_, size_ = 0;
  mutable std::string buffer_;
};

}  // namespace etl
