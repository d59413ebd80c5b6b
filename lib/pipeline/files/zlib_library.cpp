#include "pipeline/files/zlib_library.hpp"

#include "system/loaded_library.hpp"

#include <procx/error/exceptions.hpp>

#include <string>

namespace procx::inline v1::detail {
namespace {

[[noreturn]] void fail(std::string const& why) {
  throw error(boost::system::errc::make_error_code(boost::system::errc::no_such_file_or_directory),
              "zlib cannot be loaded (Debian's zlib1g has it): " + why);
}

zlib_library load() {
  loaded_library const library("libz.so.1", fail);
  zlib_library all{};
  library.find("zlibVersion", all.version);
  library.find("inflateInit2_", all.inflate_init2);
  library.find("inflate", all.inflate);
  library.find("inflateReset", all.inflate_reset);
  library.find("inflateEnd", all.inflate_end);
  return all;
}

}  // namespace

zlib_library const& zlib_library::get() {
  static zlib_library const all = load();
  return all;
}

}  // namespace procx::inline v1::detail
