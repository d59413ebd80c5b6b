#include "sessions.hpp"

#include "visits.hpp"

#include <boost/smart_ptr/make_local_shared.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace etl {
namespace {

// Half an hour is what lines may be out of order by.
constexpr epoch_seconds over_after = 2 * longest_pause, over_before = 24 * 3600;
constexpr epoch_seconds slot_length = 600;

enum columns { id, begun, duration, requests, pages, bytes, entry, exit, robot };
constexpr int all_columns = robot + 1;

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
    : add_(database, "sessions", all_columns, read),
      keep_(database, "open_sessions", all_columns, read, "INSERT OR REPLACE"),
      forget_(database, "DELETE FROM open_sessions WHERE visitor = ?") {
  SQLite::Statement all(database,
                        "SELECT begun, seconds, requests, pages, bytes, entry, exit, robot, visitor FROM open_sessions");
  while (all.executeStep()) {
    visit v;
    v.first = all.getColumn(0).getInt64();
    v.last = v.first + all.getColumn(1).getInt64();
    v.requests = static_cast<std::uint64_t>(all.getColumn(2).getInt64());
    v.pages = static_cast<std::uint64_t>(all.getColumn(3).getInt64());
    v.bytes = static_cast<std::uint64_t>(all.getColumn(4).getInt64());
    if (!all.getColumn(5).isNull()) v.entry = boost::make_local_shared<std::string const>(all.getColumn(5).getString());
    if (!all.getColumn(6).isNull()) v.exit = boost::make_local_shared<std::string const>(all.getColumn(6).getString());
    v.robot = all.getColumn(7).getInt() != 0;
    v.stored = true;
    auto const visitor = static_cast<std::uint64_t>(all.getColumn(8).getInt64());
    note_last(visitor, open_.emplace(visitor, std::move(v)).first->second);
  }
}

void sessions::join(visit& with, visit_piece const& piece, digest const& counts) {
  with.first = std::min(with.first, piece.first);
  with.last = std::max(with.last, piece.last);
  with.requests += piece.requests;
  with.bytes += piece.bytes;
  with.pages += piece.pages;
  with.robot = with.robot || piece.robot != 0;
  if (piece.entry != 0 && !with.entry) with.entry = page(piece.entry, counts);
  if (piece.exit != 0) with.exit = page(piece.exit, counts);
  changed_ += !with.changed;
  with.changed = true;
}

sessions::shared_text const& sessions::page(std::uint32_t number, digest const& counts) {
  shared_text& text = pages_.at(number - 1);
  if (!text) text = boost::make_local_shared<std::string const>(counts.text_of(counts.paths[number - 1].path));
  return text;
}

void sessions::note_last(std::uint64_t visitor, visit& of) {
  std::int64_t const slot = of.last / slot_length;
  if (std::exchange(of.slot, slot) != slot) slots_[slot].push_back(visitor);
}

void sessions::end(std::uint64_t visitor, visit& which) {
  if (which.stored) gone_.push_back(visitor);
  changed_ -= which.changed;
  over_.push_back(std::move(which));
}

void sessions::add(digest const& counts) {
  pages_.assign(counts.paths.size(), nullptr);
  for (visit_piece const& piece : counts.visits) {
    auto [at, is_new] = open_.try_emplace(piece.visitor);
    if (!is_new && !continues_visit(at->second.first, at->second.last, piece.begun)) {
      end(piece.visitor, at->second);
      at->second = {};
      is_new = true;
    }
    if (is_new) at->second.first = at->second.last = piece.begun;
    join(at->second, piece, counts);
    note_last(piece.visitor, at->second);
  }
  if (counts.time != 0) end_old(counts.time);
}

void sessions::end_slot(std::int64_t slot, std::vector<std::uint64_t> const& visitors) {
  for (std::uint64_t const visitor : visitors) {
    auto const at = open_.find(visitor);
    if (at == open_.end() || at->second.slot != slot) continue;
    end(visitor, at->second);
    open_.erase(at);
  }
}

void sessions::end_old(epoch_seconds now) {
  while (!slots_.empty() && (slots_.begin()->first + 1) * slot_length + over_after < now) {
    end_slot(slots_.begin()->first, slots_.begin()->second);
    slots_.erase(slots_.begin());
  }
  while (!slots_.empty() && slots_.rbegin()->first * slot_length - over_before > now) {
    auto const last = std::prev(slots_.end());
    end_slot(last->first, last->second);
    slots_.erase(last);
  }
}

void sessions::read(visit const& of, int column, tables::cell out) {
  auto const number = [&](auto value) { out.set_number(static_cast<std::int64_t>(value)); };
  switch (column) {
    case begun: return number(of.first);
    case duration: return number(of.last - of.first);
    case requests: return number(of.requests);
    case pages: return number(of.pages);
    case bytes: return number(of.bytes);
    case entry: return of.entry ? out.set_text(*of.entry) : void();
    case exit: return of.exit ? out.set_text(*of.exit) : void();
    case robot: return number(of.robot);
    default: return;  // the number is given by the table
  }
}

void sessions::read(open_visit const& of, int column, tables::cell out) {
  if (column == id) return out.set_number(static_cast<std::int64_t>(of.visitor));
  read(*of.what, column, out);
}

void sessions::save() {
  for (std::uint64_t const visitor : gone_) {
    forget_.bind(1, static_cast<std::int64_t>(visitor));
    forget_.exec();
    forget_.reset();
  }
  gone_.clear();
  add_(over_);
  over_.clear();
  std::vector<open_visit> changed;
  for (auto& [visitor, v] : open_) {
    if (!v.changed) continue;
    changed.push_back({visitor, &v});
    v.changed = false;
    v.stored = true;
  }
  keep_(changed);
  changed_ = 0;
}

}  // namespace etl
