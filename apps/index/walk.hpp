#pragma once

#include "files.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace indexer {

/// What lies below some directories.
struct walk_result {
  std::vector<found_file> files;  ///< in the order of their paths, each once; closed directories among them
  std::int64_t links = 0;         ///< symbolic links: not followed
  std::int64_t special = 0;       ///< FIFOs, sockets, devices: not opened
};

/// The directories without their links, detours and repetitions, and without those that lie within another, sorted.
/// Throws failure if one is no directory or cannot be opened.
std::vector<std::string> canonical_roots(std::vector<std::string> const& directories);

/// Whether the path is the directory or lies below it.
bool lies_within(std::string const& path, std::string const& directory);

/// Lists all regular files below the roots, except those in `excluded`. Opens directories only, one at a time.
/// `keep_going` is called for every directory, with the number of files so far; false ends the walk.
walk_result walk(std::vector<std::string> const& roots, std::vector<std::string> const& excluded,
                 std::function<bool(std::size_t)> const& keep_going);

}  // namespace indexer
