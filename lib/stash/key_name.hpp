#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace procx::inline v1::detail {

/// The name of a file for a key, which may be any bytes; two keys never have one. It has no dot and no slash, and is not too
/// long for a name: of a long key it has the beginning and 128 bits of checksums.
std::string name_for_key(std::string_view key);

/// In which folder of which folder that file is: two digits of the key's checksum.
std::filesystem::path folder_for_key(std::string_view key);

}  // namespace procx::inline v1::detail
