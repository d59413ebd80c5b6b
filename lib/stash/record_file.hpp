#pragma once

#include <procx/stash/byte_store.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

// Files that hold one record each.
//
// A file begins with five numbers of eight bytes, little endian: the characters "procxrec", the checksum of all that follows it,
// the fingerprint of the value's type, the lengths of the key and of the value; then come the key and the value.
namespace procx::inline v1::detail {

/// The bytes of such a file.
std::vector<std::byte> record_bytes(std::uint64_t fingerprint, std::string const& key, std::span<std::byte const> value);

/// Reads the value out of a file. What is cut off, changed, of another type or another key's is damaged. Throws stash_error
/// if the system does not let it be read.
byte_store::found read_record(std::filesystem::path const& file, std::uint64_t fingerprint, std::string const& key,
                              std::vector<std::byte>& value);

/// The key in a file, if it is such a record and as long as it says; of the value nothing is read. Throws as above.
std::optional<std::string> key_in_record(std::filesystem::path const& file, std::uint64_t fingerprint);

/// Writes a file beside its place and renames it. Its folder is made if need be. With `durability::full` all of that is on the
/// disk at the return. Throws stash_error; the file that was there before is there then.
void write_beside_and_rename(std::filesystem::path const& file, std::span<std::byte const> bytes, durability how);

/// Whether a file of this name is one that has not got its place yet.
bool is_unfinished(std::filesystem::path const& file);
/// Removes such a file, unless somebody is writing it now.
void remove_unfinished(std::filesystem::path const& file) noexcept;

}  // namespace procx::inline v1::detail
