#pragma once

#include <procx/version.hpp>

#include <procx/error/exceptions.hpp>

#include <filesystem>
#include <string>

namespace procx::inline v1 {

/// A store cannot be opened, read or written. Nothing that was there has been lost or overwritten.
///
/// `what()` names the file and the reason; `code()` is `errc::busy` if another program has it locked for too long,
/// `errc::protocol_error` if it is no stash, or damaged, `errc::signature_mismatch` if it holds values of another type,
/// `errc::foreign_process` if it was opened before a fork, else what the system says: no space, no permission.
class stash_error : public error {
 public:
  stash_error(boost::system::error_code code, std::filesystem::path const& file, std::string const& why)
      : error(code, file.string() + ": " + why) {}
};

}  // namespace procx::inline v1
