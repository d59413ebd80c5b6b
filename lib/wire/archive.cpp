#include <procx/wire/archive.hpp>

#include <procx/error/exceptions.hpp>

#include <string>

namespace procx::inline v1::detail {

void throw_bad_bytes(char const* why) { throw protocol_error(std::string("bytes received are not a value: ") + why); }

}  // namespace procx::inline v1::detail
