#include "store.hpp"

#include "failure.hpp"
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
      put_file_(database_, "INSERT INTO files VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      put_page_(database_, "INSERT INTO text_data VALUES(?, ?)"),
      put_term_(database_, "INSERT INTO text_idx VALUES(?, ?, ?)"),
      put_size_(database_, "INSERT INTO text_docsize VALUES(?, ?)"),
      structure_(fts5::decode_structure(record(fts5::structure_row))),
      averages_(fts5::decode_averages(record(fts5::averages_row))) {
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

void store::put(known_file const& file) {
  begin();
  put_file_.bind(1, file.id);
  put_file_.bindNoCopy(2, file.path.data(), static_cast<int>(file.path.size()));
  put_file_.bind(3, static_cast<int>(file.fate));
  if (file.reason.empty())
    put_file_.bind(4);  // null
  else
    put_file_.bindNoCopy(4, file.reason);
  int column = 5;
  for (std::int64_t number : {file.shard, file.stamp.mtime_ns, file.stamp.ctime_ns, file.stamp.bytes, file.stamp.inode,
                              file.lines})
    put_file_.bind(column++, number);
  run(put_file_);
}

void store::forget(std::int64_t id) {
  begin();
  SQLite::Statement remove(database_, "DELETE FROM files WHERE id = ?");
  remove.bind(1, id);
  run(remove);
}

std::int64_t store::add(shard const& words, std::int64_t first, std::int64_t last, std::int64_t weight) {
  begin();
  std::int64_t id = 1;  // the first that is free
  auto place = shards_.begin();
  while (place != shards_.end() && place->id == id) ++id, ++place;
  if (id > fts5::max_segments) throw failure("the index has as many shards as it can have: remove it and build it anew");

  std::span<std::byte const> bytes = words.page_bytes;
  for (auto const& [row, size] : words.pages) {
    put_page_.bind(1, fts5::first_row(id) + row);
    put_page_.bindNoCopy(2, bytes.data(), static_cast<int>(size));
    run(put_page_);
    bytes = bytes.subspan(static_cast<std::size_t>(size));
  }
  put_term_.bind(1, id);
  for (auto const& [term, page] : words.terms) {
    put_term_.bindNoCopy(2, term.data(), static_cast<int>(term.size()));
    put_term_.bind(3, page);
    run(put_term_);
  }
  for (auto const& [document, size] : words.sizes) {
    put_size_.bind(1, document);
    put_size_.bindNoCopy(2, size.data(), static_cast<int>(size.size()));
    run(put_size_);
  }
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

std::string store::record(std::int64_t row) {
  SQLite::Statement get(database_, "SELECT block FROM text_data WHERE id = ?");
  get.bind(1, row);
  return get.executeStep() ? get.getColumn(0).getString() : std::string();
}

void store::write_record(std::int64_t row, std::string const& bytes) {
  SQLite::Statement set(database_, "UPDATE text_data SET block = ?2 WHERE id = ?1 AND block <> ?2");
  set.bind(1, row);
  set.bind(2, bytes.data(), static_cast<int>(bytes.size()));
  run(set);
}

}  // namespace indexer
