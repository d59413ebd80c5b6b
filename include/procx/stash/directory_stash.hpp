#pragma once

#include <procx/version.hpp>

#include <procx/stash/stash.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>

namespace procx::inline v1 {

/// Keeps records in files of a directory: see `directory_stash`. The fingerprint says what they are.
std::unique_ptr<byte_store> make_directory_store(std::filesystem::path const& directory, std::uint64_t fingerprint,
                                                 durability how = durability::normal);

/// A stash in a directory: a file for each key, in two levels of folders.
///
/// A file is written beside its place and then renamed, and begins with a checksum and the fingerprint of the type: one that
/// was cut off or changed counts as missing. Names of files are made of the keys, which may be any bytes. The directory is made
/// if it is not there.
/// Errors: `stash_error` if the directory is not empty and no stash (nothing is written there then), if its values are of
/// another type, and for whatever the system refuses. Thread-safe, and safe in any number of processes at once, forked
/// ones too; the last one to put a value has its way. Works on network file systems.
/// Cost: `load` and `exists` read one file; `keys` and `size` read the beginnings of all.
template <class T>
class directory_stash : public stash<T> {
 public:
  explicit directory_stash(std::filesystem::path const& directory, durability how = durability::normal)
      : stash<T>(make_directory_store(directory, type_fingerprint<T>(), how)) {}
};

}  // namespace procx::inline v1
