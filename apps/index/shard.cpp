#include "shard.hpp"

#include "file_reader.hpp"
#include "fts5_format.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace indexer {
namespace {

/// A full-text table in memory, filled in one transaction whose words never leave the table's buffer before its end: so it
/// is written once, as one segment.
class memory_table {
 public:
  memory_table() : database_(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX) {
    database_.exec("PRAGMA page_size = 16384; PRAGMA journal_mode = OFF");
    database_.exec(create_text_table);
    database_.exec("INSERT INTO text(text, rank) VALUES('hashsize', 2000000000); BEGIN");
    insert_.emplace(database_, "INSERT INTO text(rowid, body) VALUES(?, ?)");
  }

  void insert(std::int64_t id, std::string const& body) {
    insert_->bind(1, id);
    insert_->bindNoCopy(2, body);
    insert_->exec();
    insert_->reset();
  }

  void write() {
    insert_.reset();
    database_.exec("COMMIT; INSERT INTO text(text) VALUES('optimize')");
  }

  std::string record(std::int64_t row) const { return read_record(database_, row); }

  void copy_rows(shard& to, std::int64_t segment) const {
    SQLite::Statement pages(database_, "SELECT id - ?1, block FROM text_data WHERE id >= ?1 AND id < ?2");
    pages.bind(1, fts5::first_row(segment));
    pages.bind(2, fts5::first_row(segment + 1));
    auto const bytes = std::make_shared<std::string>();
    while (pages.executeStep()) {
      SQLite::Column const block = pages.getColumn(1);
      to.pages.push_back({pages.getColumn(0).getInt64(), block.getBytes()});
      bytes->append(static_cast<char const*>(block.getBlob()), static_cast<std::size_t>(block.getBytes()));
    }
    to.page_bytes = procx::view<char>(*bytes, bytes);
    SQLite::Statement terms(database_, "SELECT term, pgno FROM text_idx WHERE segid = ?");
    terms.bind(1, segment);
    while (terms.executeStep()) to.terms.emplace_back(terms.getColumn(0).getString(), terms.getColumn(1).getInt64());
  }

  void copy_sizes(shard& to) const {
    SQLite::Statement sizes(database_, "SELECT id, sz FROM text_docsize");
    while (sizes.executeStep()) to.sizes.emplace_back(sizes.getColumn(0).getInt64(), sizes.getColumn(1).getString());
  }

 private:
  SQLite::Database database_;
  std::optional<SQLite::Statement> insert_;
};

/// Each with a NUL behind it.
std::vector<char const*> strings_in(std::string const& all) {
  std::vector<char const*> result;
  for (std::size_t at = 0; at < all.size(); at = all.find('\0', at) + 1) result.push_back(&all[at]);
  return result;
}

}  // namespace

std::string read_record(SQLite::Database const& from, std::int64_t row) {
  SQLite::Statement get(from, "SELECT block FROM text_data WHERE id = ?");
  get.bind(1, row);
  return get.executeStep() ? get.getColumn(0).getString() : std::string();
}

shard make_shard(batch const& work) {
  shard result;
  result.first_id = work.first_id;
  memory_table table;
  std::vector<char const*> const paths = strings_in(work.paths);
  file_reader files(paths, work.max_bytes);
  std::string text;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    reading const read = files.next(text);
    report r{read.fate, read.error, read.stamp, 0};
    if (r.fate == fate::indexed) {
      r.lines = std::count(text.begin(), text.end(), '\n') + (!text.empty() && text.back() != '\n');
      table.insert(work.first_id + static_cast<std::int64_t>(i), text);
    }
    result.reports.push_back(r);
  }
  table.write();

  auto const structure = fts5::decode_structure(table.record(fts5::structure_row));
  if (structure.segments.size() > 1) throw std::runtime_error("a shard was written in several segments");
  for (fts5::segment const& s : structure.segments) {
    result.first_page = s.first_page;
    result.last_page = s.last_page;
    table.copy_rows(result, s.id);
  }
  result.words = static_cast<std::int64_t>(fts5::decode_averages(table.record(fts5::averages_row)).words);
  table.copy_sizes(result);
  return result;
}

}  // namespace indexer
