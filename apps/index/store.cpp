#include "store.hpp"

#include "console.hpp"
#include "index_file.hpp"

#include <algorithm>
#include <span>

namespace indexer {
namespace {

void run(SQLite::Statement& statement) {
  statement.exec();
  statement.reset();
}

}  // namespace

store::store(std::string const& path)
    : database_(open_to_build(path)),
      put_files_(database_, "files", 10, read),
      put_pages_(database_, "text_data", 2, read),
      put_terms_(database_, "text_idx", 3, read),
      put_sizes_(database_, "text_docsize", 2, read),
      structure_(fts5::decode_structure(read_record(database_, fts5::structure_row))),
      averages_(fts5::decode_averages(read_record(database_, fts5::averages_row))) {
  SQLite::Statement rows(database_, "SELECT id, first, last, documents, words, weight FROM shards ORDER BY id");
  auto const number = [&](int column) { return rows.getColumn(column).getInt64(); };
  while (rows.executeStep()) shards_.push_back({number(0), number(1), number(2), number(3), number(4), number(5)});
  was_empty_ = shards_.empty();
}

std::vector<known_file> store::files() {
  std::vector<known_file> result;
  SQLite::Statement rows(database_, "SELECT * FROM files");
  while (rows.executeStep()) {
    known_file f;
    f.id = rows.getColumn(0).getInt64();
    f.path = rows.getColumn(1).getString();
    f.fate = static_cast<fate>(rows.getColumn(2).getInt());
    f.reason = rows.getColumn(3).getString();
    f.shard = rows.getColumn(4).getInt64();
    f.stamp.mtime_ns = rows.getColumn(5).getInt64();
    f.stamp.ctime_ns = rows.getColumn(6).getInt64();
    f.stamp.bytes = rows.getColumn(7).getInt64();
    f.stamp.inode = rows.getColumn(8).getInt64();
    f.lines = rows.getColumn(9).getInt64();
    result.push_back(std::move(f));
  }
  std::ranges::sort(result, {}, &known_file::path);
  return result;
}

std::int64_t store::next_id() {
  return database_.execAndGet("SELECT value FROM state WHERE name = 'next_id'").getInt64();
}

void store::begin() {
  if (in_transaction_) return;
  database_.exec("BEGIN IMMEDIATE");
  in_transaction_ = true;
}

void store::commit(std::int64_t next_id) {
  if (!in_transaction_) return;
  SQLite::Statement set(database_, "UPDATE state SET value = ?1 WHERE name = 'next_id' AND value <> ?1");
  set.bind(1, next_id);
  run(set);
  write_record(fts5::structure_row, encode(structure_));
  write_record(fts5::averages_row, encode(averages_));
  database_.exec("COMMIT");
  in_transaction_ = false;
}

void store::set_roots(std::vector<std::string> const& roots) {
  std::vector<std::string> present;
  SQLite::Statement rows(database_, "SELECT path FROM roots ORDER BY path");
  while (rows.executeStep()) present.push_back(rows.getColumn(0).getString());
  rows.reset();
  if (present == roots) return;

  begin();
  database_.exec("DELETE FROM roots");
  SQLite::Statement put(database_, "INSERT INTO roots VALUES(?)");
  for (std::string const& root : roots) {
    put.bind(1, root.data(), static_cast<int>(root.size()));
    run(put);
  }
}

void store::put(std::vector<known_file> const& files) {
  begin();
  put_files_(files);
}

void store::read(known_file const& file, int column, cell out) {
  switch (column) {
    case 0: return out.set_number(file.id);
    case 1: return out.set_blob(file.path);
    case 2: return out.set_number(static_cast<int>(file.fate));
    case 3: return file.reason.empty() ? void() : out.set_text(file.reason);
    case 4: return out.set_number(file.shard);
    case 5: return out.set_number(file.stamp.mtime_ns);
    case 6: return out.set_number(file.stamp.ctime_ns);
    case 7: return out.set_number(file.stamp.bytes);
    case 8: return out.set_number(file.stamp.inode);
    case 9: return out.set_number(file.lines);
  }
}

void store::forget(std::int64_t id) {
  begin();
  SQLite::Statement remove(database_, "DELETE FROM files WHERE id = ?");
  remove.bind(1, id);
  run(remove);
}

std::int64_t store::add(shard const& words, std::int64_t first, std::int64_t last, std::int64_t weight) {
  begin();
  auto place = first_gap();
  if (place - shards_.begin() == fts5::max_segments) {
    drop_dead_shards();
    place = first_gap();
  }
  std::int64_t const id = place - shards_.begin() + 1;
  if (id > fts5::max_segments) throw failure("the index has as many shards as it can have: remove it and build it anew");

  put_pages_(pages_of(words, id));
  put_terms_(terms_of(words, id));
  put_sizes_(words.sizes);
  auto const documents = static_cast<std::int64_t>(words.sizes.size());
  if (words.first_page != 0) structure_.segments.push_back({id, words.first_page, words.last_page});
  averages_.documents += static_cast<std::uint64_t>(documents);
  averages_.words += static_cast<std::uint64_t>(words.words);

  SQLite::Statement put(database_, "INSERT INTO shards VALUES(?, ?, ?, ?, ?, ?)");
  int column = 1;
  for (std::int64_t number : {id, first, last, documents, words.words, weight}) put.bind(column++, number);
  run(put);
  shards_.insert(place, {id, first, last, documents, words.words, weight});
  return id;
}

/// Where in the list the first number lies that no shard has.
std::vector<shard_row>::iterator store::first_gap() {
  auto place = shards_.begin();
  while (place != shards_.end() && place->id == place - shards_.begin() + 1) ++place;
  return place;
}

std::vector<store::stored_page> store::pages_of(shard const& words, std::int64_t id) {
  std::vector<stored_page> rows;
  rows.reserve(words.pages.size());
  char const* bytes = words.page_bytes.data();
  for (auto const& [row, size] : words.pages) {
    rows.push_back({fts5::first_row(id) + row, {bytes, static_cast<std::size_t>(size)}});
    bytes += size;
  }
  return rows;
}

void store::read(stored_page const& page, int column, cell out) {
  column == 0 ? out.set_number(page.id) : out.set_blob(page.bytes);
}

std::vector<store::stored_term> store::terms_of(shard const& words, std::int64_t id) {
  std::vector<stored_term> rows;
  rows.reserve(words.terms.size());
  for (auto const& [term, page] : words.terms) rows.push_back({id, term, page});
  return rows;
}

void store::read(stored_term const& term, int column, cell out) {
  switch (column) {
    case 0: return out.set_number(term.shard);
    case 1: return out.set_blob(term.term);
    case 2: return out.set_number(term.page);
  }
}

void store::read(stored_size const& size, int column, cell out) {
  column == 0 ? out.set_number(size.first) : out.set_blob(size.second);
}

void store::drop_dead_shards() {
  if (was_empty_) return;  // what this object has added is alive
  std::vector<std::int64_t> alive;
  SQLite::Statement rows(database_, "SELECT DISTINCT shard FROM files ORDER BY shard");
  while (rows.executeStep()) alive.push_back(rows.getColumn(0).getInt64());
  rows.reset();
  auto const is_dead = [&](shard_row const& shard) { return !std::ranges::binary_search(alive, shard.id); };
  for (shard_row const& shard : shards_)
    if (is_dead(shard)) drop(shard);
  std::erase_if(shards_, is_dead);
}

void store::drop(shard_row const& shard) {
  begin();
  auto const remove = [&](char const* sql, std::int64_t from, std::int64_t to) {
    SQLite::Statement statement(database_, sql);
    statement.bind(1, from);
    statement.bind(2, to);
    run(statement);
  };
  remove("DELETE FROM text_data WHERE id >= ? AND id < ?", fts5::first_row(shard.id), fts5::first_row(shard.id + 1));
  remove("DELETE FROM text_idx WHERE segid BETWEEN ? AND ?", shard.id, shard.id);
  remove("DELETE FROM text_docsize WHERE id BETWEEN ? AND ?", shard.first, shard.last);
  remove("DELETE FROM shards WHERE id BETWEEN ? AND ?", shard.id, shard.id);
  std::erase_if(structure_.segments, [&](fts5::segment const& s) { return s.id == shard.id; });
  averages_.documents -= static_cast<std::uint64_t>(shard.documents);
  averages_.words -= static_cast<std::uint64_t>(shard.words);
}

void store::write_record(std::int64_t row, std::string const& bytes) {
  SQLite::Statement set(database_, "UPDATE text_data SET block = ?2 WHERE id = ?1 AND block <> ?2");
  set.bind(1, row);
  set.bind(2, bytes.data(), static_cast<int>(bytes.size()));
  run(set);
}

}  // namespace indexer
