#define BOOST_TEST_MODULE golden

#include <procx/error/exceptions.hpp>
#include <procx/wire/portable.hpp>

#include "support/golden_types.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <string>
#include <vector>

namespace {

// As text, 16 bytes a line. PROCX_WRITE_GOLDEN=1 writes those that are missing.
std::filesystem::path file_of(std::string const& name) { return "test/wire/golden/" + name + ".hex"; }

std::vector<std::byte> read(std::string const& name) {
  std::ifstream in(file_of(name));
  BOOST_REQUIRE_MESSAGE(in, "there is no " << file_of(name));
  std::vector<std::byte> bytes;
  for (unsigned byte = 0; in >> std::hex >> byte;) bytes.push_back(static_cast<std::byte>(byte));
  return bytes;
}
void write_if_missing(std::string const& name, std::vector<std::byte> const& bytes) {
  if (!std::getenv("PROCX_WRITE_GOLDEN") || std::filesystem::exists(file_of(name))) return;
  std::ofstream out(file_of(name));
  out << std::hex << std::setfill('0');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    out << std::setw(2) << std::to_integer<unsigned>(bytes[i]) << (i % 16 == 15 || i + 1 == bytes.size() ? '\n' : ' ');
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_was_kept_is_read_and_written_again_as_it_was) {
  std::size_t number = 0;
  golden::for_each([&]<class T>(std::string const& name, T const& value) {
    BOOST_TEST_CONTEXT(name) {
      write_if_missing(name, procx::encode_portable(value));
      std::vector<std::byte> const kept = read(name);
      T const again = procx::decode_portable<T>(kept);
      BOOST_TEST(golden::equal(again, value));
      BOOST_TEST((procx::encode_portable(value) == kept));
      BOOST_TEST((procx::encode_portable(again) == kept));
    }
    ++number;
  });
  BOOST_TEST(number >= 40u);
  auto const files = std::distance(std::filesystem::directory_iterator("test/wire/golden"), std::filesystem::directory_iterator());
  BOOST_TEST(static_cast<std::size_t>(files) == number);  // none is left that nothing reads
}

BOOST_AUTO_TEST_CASE(every_beginning_of_what_was_kept_is_refused) {
  golden::for_each([]<class T>(std::string const& name, T const&) {
    BOOST_TEST_CONTEXT(name) {
      std::vector<std::byte> const kept = read(name);
      for (std::size_t n = 0; n < kept.size(); ++n)
        BOOST_CHECK_THROW(procx::decode_portable<T>(std::span(kept).first(n)), procx::protocol_error);
      auto longer = kept;
      longer.push_back({});
      BOOST_CHECK_THROW(procx::decode_portable<T>(longer), procx::protocol_error);
    }
  });
}
