#include "sessions.hpp"

#include "visits.hpp"

#include <algorithm>

namespace etl {
namespace {

// Half an hour is what lines may be out of order by.
constexpr epoch_seconds over_after = 2 * longest_pause, over_before = 24 * 3600;

void bind_page(SQLite::Statement& to, int at, std::string const& page) {
  if (page.empty())
    to.bind(at);
  else
    to.bindNoCopy(at, page);
}

}  // namespace

void sessions::create_tables(SQLite::Database& database) {
  database.exec(R"(
    CREATE TABLE sessions(id INTEGER PRIMARY KEY, begun INTEGER NOT NULL, seconds INTEGER NOT NULL, requests INTEGER NOT NULL,
                          pages INTEGER NOT NULL, bytes INTEGER NOT NULL, entry TEXT, exit TEXT, robot INTEGER NOT NULL);
    CREATE TABLE open_sessions(visitor INTEGER PRIMARY KEY, begun INTEGER NOT NULL, seconds INTEGER NOT NULL,
                               requests INTEGER NOT NULL, pages INTEGER NOT NULL, bytes INTEGER NOT NULL, entry TEXT, exit TEXT,
                               robot INTEGER NOT NULL);
    CREATE VIEW all_sessions AS
      SELECT begun, seconds, requests, pages, bytes, entry, exit, robot FROM sessions
      UNION ALL SELECT begun, seconds, requests, pages, bytes, entry, exit, robot FROM open_sessions;
  )");
}

sessions::sessions(SQLite::Database& database)
    : add_(database, "INSERT INTO sessions(begun, seconds, requests, pages, bytes, entry, exit, robot) VALUES(?,?,?,?,?,?,?,?)"),
      keep_(database,
            "INSERT OR REPLACE INTO open_sessions(begun, seconds, requests, pages, bytes, entry, exit, robot, visitor) "
            "VALUES(?,?,?,?,?,?,?,?,?)"),
      forget_(database, "DELETE FROM open_sessions WHERE visitor = ?"),
      keep_look_(database, "INSERT OR REPLACE INTO state VALUES('sessions looked at', ?)") {
  SQLite::Statement look(database, "SELECT value FROM state WHERE name = 'sessions looked at'");
  if (look.executeStep()) looked_ = look.getColumn(0).getInt64();
  SQLite::Statement all(database,
                        "SELECT begun, seconds, requests, pages, bytes, entry, exit, robot, visitor FROM open_sessions");
  while (all.executeStep()) {
    visit v;
    v.first = all.getColumn(0).getInt64();
    v.last = v.first + all.getColumn(1).getInt64();
    v.requests = static_cast<std::uint64_t>(all.getColumn(2).getInt64());
    v.pages = static_cast<std::uint64_t>(all.getColumn(3).getInt64());
    v.bytes = static_cast<std::uint64_t>(all.getColumn(4).getInt64());
    v.entry = all.getColumn(5).getString();
    v.exit = all.getColumn(6).getString();
    v.robot = all.getColumn(7).getInt() != 0;
    v.stored = true;
    open_.emplace(static_cast<std::uint64_t>(all.getColumn(8).getInt64()), std::move(v));
  }
}

void sessions::join(visit& with, visit_piece const& piece, digest const& counts) {
  with.first = std::min(with.first, piece.first);
  with.last = std::max(with.last, piece.last);
  with.requests += piece.requests;
  with.bytes += piece.bytes;
  with.pages += piece.pages;
  with.robot = with.robot || piece.robot != 0;
  if (piece.entry != 0 && with.entry.empty()) with.entry = counts.text_of(counts.paths.at(piece.entry - 1).path);
  if (piece.exit != 0) with.exit = counts.text_of(counts.paths.at(piece.exit - 1).path);
  changed_ += !with.changed;
  with.changed = true;
}

void sessions::end(std::uint64_t visitor, visit const& which) {
  if (which.stored) gone_.push_back(visitor);
  changed_ -= which.changed;
  over_.push_back(which);
}

void sessions::add(digest const& counts) {
  for (visit_piece const& piece : counts.visits) {
    auto [at, is_new] = open_.try_emplace(piece.visitor);
    if (!is_new && !continues_visit(at->second.first, at->second.last, piece.begun)) {
      end(piece.visitor, at->second);
      at->second = {};
      is_new = true;
    }
    if (is_new) at->second.first = at->second.last = piece.begun;
    join(at->second, piece, counts);
  }
  if (counts.time != 0) end_old(counts.time);
}

/// Looks at all of them, so it is done once a minute of the log.
void sessions::end_old(epoch_seconds now) {
  if (now / 60 == looked_ / 60) return;
  looked_ = now;
  for (auto at = open_.begin(); at != open_.end();) {
    bool const over = now > at->second.last + over_after || now < at->second.first - over_before;
    if (over) end(at->first, at->second);
    at = over ? open_.erase(at) : std::next(at);
  }
}

void sessions::save() {
  auto const store = [](SQLite::Statement& to, visit const& v) {
    to.bind(1, v.first);
    to.bind(2, v.last - v.first);
    to.bind(3, static_cast<std::int64_t>(v.requests));
    to.bind(4, static_cast<std::int64_t>(v.pages));
    to.bind(5, static_cast<std::int64_t>(v.bytes));
    bind_page(to, 6, v.entry);
    bind_page(to, 7, v.exit);
    to.bind(8, v.robot ? 1 : 0);
  };
  auto const run = [](SQLite::Statement& statement) {
    statement.exec();
    statement.reset();
  };
  for (std::uint64_t const visitor : gone_) {
    forget_.bind(1, static_cast<std::int64_t>(visitor));
    run(forget_);
  }
  for (visit const& v : over_) {
    store(add_, v);
    run(add_);
  }
  for (auto& [visitor, v] : open_) {
    if (!v.changed) continue;
    store(keep_, v);
    keep_.bind(9, static_cast<std::int64_t>(visitor));
    run(keep_);
    v.changed = false;
    v.stored = true;
  }
  keep_look_.bind(1, looked_);
  run(keep_look_);
  gone_.clear();
  over_.clear();
  changed_ = 0;
}

}  // namespace etl
