#include <procx/wire/archive.hpp>

#include <procx/error/exceptions.hpp>

#include <string>

namespace procx::inline v1::detail {

void throw_bad_bytes(char const* why) { throw protocol_error(std::string("bytes received are not a value: ") + why); }

void throw_too_deep() {
  throw protocol_error("values are held in values more than " + std::to_string(nesting_limit) + " deep");
}

}  // namespace procx::inline v1::detail
