#pragma once

#include "byte_reader.hpp"
#include "input.hpp"

namespace etl {

/// What can only be read from the beginning: a packed file, a pipe. This process reads and unpacks it; what has been counted is
/// passed over.
class stream_input : public input {
 public:
  stream_input(first_look look, known_file file, std::uint64_t number, std::uint64_t chunk_size);

 private:
  void open() override;
  chunk make() override;
  void pass_over();
  std::size_t find_end(std::uint64_t wanted, std::uint64_t& discarded);
  bool read_more(std::size_t most);

  std::unique_ptr<byte_reader> reader_;
  bool packed_;
  std::string buffer_;  ///< from `at_` on
  std::uint64_t at_ = 0;
  std::uint64_t weighed_ = 0;  ///< of the bytes taken from the disk
  std::string problem_;
};

}  // namespace etl
