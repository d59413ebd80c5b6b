#pragma once

#include "files.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace indexer {

/// What lies below some directories.
struct listing {
  std::vector<found_file> files;     ///< closed directories among them
  std::vector<std::string> pending;  ///< directories that have not been listed yet
  std::int64_t links = 0;            ///< symbolic links: not followed
  std::int64_t special = 0;          ///< FIFOs, sockets, devices: not opened

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & files & pending & links & special;
  }
};

/// Lists the directories and those below them, outer ones first, until there are `limit` files. Opens directories only,
/// one at a time.
listing list_some(std::vector<std::string> directories, std::size_t limit);

/// Lists all there is, each file once, in the order of their paths. What goes beyond a small tree is listed by worker
/// processes, so that a slow disk is asked several things at once.
///
/// `keep_going` is called now and then, with the number of files so far; false ends the walk.
listing walk(std::vector<std::string> const& roots, int workers, std::function<bool(std::size_t)> const& keep_going);

/// Whether the path is that of the directory, or of something in it.
bool lies_within(std::string const& path, std::string const& directory);

/// The directories without their links, detours and repetitions, and without those that lie within another, sorted.
/// Throws failure if one is no directory or cannot be opened.
std::vector<std::string> canonical_roots(std::vector<std::string> const& directories);

}  // namespace indexer
