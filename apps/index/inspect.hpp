#pragma once

#include <string>

namespace indexer {

/// Prints what is in an index; with `skipped`, also every file that is not indexed, and why. Returns `done`. Throws
/// failure, SQLite::Exception.
int stats(std::string const& index, bool skipped);

/// Looks into every page of the index. If all is well, prints a checksum of its contents, which is the same for two
/// indexes that say the same, by however many workers they were built. Returns `done`. Throws failure if something is
/// wrong; SQLite::Exception.
int check(std::string const& index);

}  // namespace indexer
