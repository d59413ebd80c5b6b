#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include <string>

namespace indexer {

/// The index is an SQLite database with this in its header and these tables:
///
///   files   one row a file: what it was when it was read, and what became of it
///   shards  one row a batch: which documents it holds, and which segment of the full-text table is its own
///   text    the full-text table (FTS5, without the texts themselves); a document's row there is its row in `files`
///   state   `next_id`
///   roots   the directories that were indexed
///
/// A document whose row in `files` is gone is out of date: its words stay in `text` until the whole shard goes.
inline constexpr int application_id = 0x70786978;  // "pxix"
inline constexpr int schema_version = 1;

/// The path made absolute: the directory's real path, and the name. Throws failure if there is no such directory.
std::string index_path(std::string const& path);

/// Opens an index to be written, and makes it if there is none. Throws failure if the file is something else, of another
/// version, or read-only; SQLite::Exception.
SQLite::Database open_to_build(std::string const& path);

/// Opens an index to be read. Throws failure if there is none, or none of this version; SQLite::Exception.
SQLite::Database open_to_search(std::string const& path);

/// What went wrong with the index, for the user.
std::string explain(SQLite::Exception const& e);

}  // namespace indexer
