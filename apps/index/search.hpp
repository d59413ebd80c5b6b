#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace indexer {

struct search_options {
  std::string index;
  std::vector<std::string> words;
  bool expression = false;  ///< the words are one expression in the language of FTS5
  std::int64_t limit = 10;
};

/// Prints the best files, one a line: path, line, text. Returns `done`, or `not_all` if there is none. Throws failure, SQLite::Exception.
///
/// The rank is FTS5's (BM25) over the whole index. Documents that are out of date count in its statistics until their
/// shard goes, but are never shown.
int search(search_options const& options);

}  // namespace indexer
