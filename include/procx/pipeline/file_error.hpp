#pragma once

#include <procx/version.hpp>

#include <procx/error/exceptions.hpp>

#include <string>

namespace procx::inline v1 {

/// A file cannot be read, or is not what it was. `what()` names the file, the place in it where that matters, and the reason;
/// `code()` is what the system says, or `errc::protocol_error` for content that is damaged or was changed.
class file_error : public error {
 public:
  file_error(boost::system::error_code code, std::string const& file, std::string const& why) : error(code, file + ": " + why) {}
};

}  // namespace procx::inline v1
