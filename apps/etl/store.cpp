#include "store.hpp"

#include "database.hpp"

#include <algorithm>
#include <utility>

namespace etl {
namespace {

constexpr std::size_t kept_pages = 10'000, kept_error_paths = 5'000, kept_slow_paths = 5'000, kept_referrers = 5'000,
                      kept_agents = 5'000;
constexpr std::size_t most_waiting = 200'000;  // rows, before they are committed whatever the time

std::uint64_t state(SQLite::Database& database, char const* name) {
  SQLite::Statement find(database, "SELECT value FROM state WHERE name = ?");
  find.bind(1, name);
  return find.executeStep() ? static_cast<std::uint64_t>(find.getColumn(0).getInt64()) : 0;
}

}  // namespace

top_table<1>::layout const& pages_layout() {
  static top_table<1>::layout const names{"pages", "path", "views", {"bytes"}};
  return names;
}
top_table<1>::layout const& error_paths_layout() {
  static top_table<1>::layout const names{"error_paths", "path", "errors", {"server_errors"}};
  return names;
}
top_table<2, 1>::layout const& slow_paths_layout() {
  static top_table<2, 1>::layout const names{"slow_paths", "path", "duration_us", {"requests", "longest_us"}};
  return names;
}
top_table<0>::layout const& referrers_layout() {
  static top_table<0>::layout const names{"referrers", "referrer", "views", {}};
  return names;
}
top_table<2, 1>::layout const& agents_layout() {
  static top_table<2, 1>::layout const names{"agents", "agent", "requests", {"bytes", "robot"}};
  return names;
}

store::store(std::string const& path, options const& how)
    : database_(open_to_add(path, how.wait)),
      options_(how),
      aside_(aside_file::path_for(path), state(database_, "bytes set aside")),
      minutes_(database_, "minutes", 60),
      hours_(database_, "hours", 3600),
      sessions_(database_),
      pages_(database_, pages_layout(), kept_pages),
      error_paths_(database_, error_paths_layout(), kept_error_paths),
      slow_paths_(database_, slow_paths_layout(), kept_slow_paths),
      referrers_(database_, referrers_layout(), kept_referrers),
      agents_(database_, agents_layout(), kept_agents) {}

std::vector<known_file> store::files() {
  std::vector<known_file> all;
  SQLite::Statement rows(database_,
                         "SELECT id, name, device, inode, size, modified, head_size, head_hash, tail_size, tail_hash, offset, "
                         "lines, finished, problem FROM files ORDER BY id");
  while (rows.executeStep()) {
    auto const number = [&](int column) { return static_cast<std::uint64_t>(rows.getColumn(column).getInt64()); };
    known_file f;
    f.id = rows.getColumn(0).getInt64();
    f.name = rows.getColumn(1).getString();
    f.device = number(2);
    f.inode = number(3);
    f.size = number(4);
    f.modified = rows.getColumn(5).getInt64();
    f.head_size = number(6);
    f.head_hash = number(7);
    f.tail_size = number(8);
    f.tail_hash = number(9);
    f.offset = number(10);
    f.lines = number(11);
    f.finished = rows.getColumn(12).getInt() != 0;
    f.problem = rows.getColumn(13).getString();
    all.push_back(std::move(f));
  }
  return all;
}

void store::set_inputs(std::vector<known_file> files) {
  for (known_file& f : files) inputs_.push_back({std::move(f), false});
}

void store::add(chunk_result const& result) {
  input_row& row = inputs_.at(result.input);
  add_flawed(row.file, result);
  add_counts(result.counts);
  row.changed = changed_ = true;
  row.file.lines += result.counts.lines;
  if (!result.last) {
    row.file.offset = result.end;
    row.file.tail_size = result.tail_size;
    row.file.tail_hash = result.tail_hash;
  }
  row.file.finished = result.last && result.problem.empty();
  row.file.problem = result.problem;
  lines_ += result.counts.lines;
  requests_ += result.counts.requests;
}

void store::add_counts(digest const& counts) {
  for (period_row const& minute : counts.minutes) {
    auto const durations = std::span(counts.durations).subspan(minute.first_entry, minute.entries);
    minutes_.add(minute, durations);
    hours_.add(minute, durations);
  }
  for (status_row const& s : counts.statuses) {
    statuses_.at(s.status).requests += s.requests;
    statuses_.at(s.status).bytes += s.bytes;
  }
  for (path_row const& p : counts.paths) {
    std::string_view const path = counts.text_of(p.path);
    if (p.views > 0) pages_.add(path, p.views, {p.view_bytes});
    if (p.errors > 0) error_paths_.add(path, p.errors, {p.server_errors});
    if (p.timed > 0) slow_paths_.add(path, p.duration, {p.timed, p.longest});
  }
  for (referrer_row const& r : counts.referrers) referrers_.add(counts.text_of(r.referrer), r.views, {});
  for (agent_row const& a : counts.agents) agents_.add(counts.text_of(a.agent), a.requests, {a.bytes, a.robot});
  sessions_.add(counts);
}

void store::add_flawed(known_file const& file, chunk_result const& result) {
  for (flawed_line const& line : result.counts.flawed) {
    flaw_counts& f = flaws_.at(static_cast<std::size_t>(line.why));
    if (f.lines++ == 0) {
      f.file = file.name;
      f.line = file.lines + line.line + 1;
    }
    aside_.add(file, result.begin, result.counts, line);
  }
}

void store::commit_if_due() {
  bool const many = minutes_.waiting() + sessions_.waiting() > most_waiting;
  auto const interval = std::max<clock::duration>(options_.between_commits, 20 * commit_time_);
  if (many || clock::now() - last_commit_ >= interval) commit();
}

void store::commit() {
  if (!changed_) return;
  auto const began = clock::now();
  std::uint64_t const aside = aside_.sync();
  SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
  save();
  SQLite::Statement keep(database_, "INSERT OR REPLACE INTO state VALUES('bytes set aside', ?)");
  keep.bind(1, static_cast<std::int64_t>(aside));
  keep.exec();
  transaction.commit();
  changed_ = false;
  ++commits_;
  last_commit_ = clock::now();
  commit_time_ = last_commit_ - began;
}

void store::save() {
  minutes_.save();
  hours_.save();
  sessions_.save();
  pages_.save();
  error_paths_.save();
  slow_paths_.save();
  referrers_.save();
  agents_.save();
  save_statuses();
  save_flaws();
  save_inputs();
}

void store::save_statuses() {
  SQLite::Statement put(database_,
                        "INSERT INTO statuses VALUES(?, ?, ?) ON CONFLICT(status) DO UPDATE SET "
                        "requests = requests + excluded.requests, bytes = bytes + excluded.bytes");
  for (std::size_t i = 0; i < statuses_.size(); ++i) {
    if (statuses_[i].requests == 0) continue;
    put.bind(1, static_cast<std::int64_t>(i));
    put.bind(2, static_cast<std::int64_t>(statuses_[i].requests));
    put.bind(3, static_cast<std::int64_t>(statuses_[i].bytes));
    put.exec();
    put.reset();
    statuses_[i] = {};
  }
}

void store::save_flaws() {
  SQLite::Statement put(database_,
                        "INSERT INTO invalid VALUES(?, ?, ?, ?) ON CONFLICT(reason) DO UPDATE SET lines = lines + excluded.lines");
  for (std::size_t i = 0; i < flaws_.size(); ++i) {
    if (flaws_[i].lines == 0) continue;
    put.bind(1, describe(static_cast<flaw>(i)));
    put.bind(2, static_cast<std::int64_t>(flaws_[i].lines));
    put.bindNoCopy(3, flaws_[i].file);
    put.bind(4, static_cast<std::int64_t>(flaws_[i].line));
    put.exec();
    put.reset();
    flaws_[i] = {};
  }
}

void store::save_inputs() {
  SQLite::Statement put(database_, "INSERT OR REPLACE INTO files VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  for (input_row& row : inputs_) {
    if (!row.changed) continue;
    known_file& f = row.file;
    int at = 1;
    if (f.id != 0)
      put.bind(at++, f.id);
    else
      put.bind(at++);
    put.bindNoCopy(at++, f.name);
    for (std::uint64_t const value : {f.device, f.inode, f.size, static_cast<std::uint64_t>(f.modified), f.head_size, f.head_hash,
                                      f.tail_size, f.tail_hash, f.offset, f.lines, std::uint64_t{f.finished}})
      put.bind(at++, static_cast<std::int64_t>(value));
    put.bindNoCopy(at, f.problem);
    put.exec();
    put.reset();
    if (f.id == 0) f.id = database_.getLastInsertRowid();
    row.changed = false;
  }
}

}  // namespace etl
