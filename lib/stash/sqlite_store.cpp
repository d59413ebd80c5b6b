#include "stash/checksum.hpp"
#include "stash/sqlite_database.hpp"

#include <mutex>
#include <optional>

namespace procx::inline v1 {
namespace {

using namespace detail;
using statement = sqlite_database::statement;

constexpr std::int64_t application_id = 0x70726378;  // "prcx", at byte 68 of the file
constexpr std::int64_t version = 1;
constexpr char count_of_tables[] = "SELECT count(*) FROM sqlite_master";

/// Throws unless the file is a stash's; true if it is yet to become one. Changes nothing. In a transaction: another program may
/// be about to make the stash.
bool is_fresh(sqlite_database& database) {
  std::int64_t const id = database.number("PRAGMA application_id");
  if (id == 0 && database.number(count_of_tables) == 0) return true;
  if (id != application_id)
    throw stash_error(errc::protocol_error, database.file(), "is a database of another program, and is left as it is");
  if (std::int64_t const has = database.number("PRAGMA user_version"); has != version)
    throw stash_error(errc::protocol_error, database.file(),
                      "is a stash of version " + std::to_string(has) + "; only version " + std::to_string(version) + " is known");
  return false;
}

void make_schema(sqlite_database& database) {
  database.run("PRAGMA application_id = 1886544760");
  database.run("PRAGMA user_version = 1");
  database.run("CREATE TABLE stashes(id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, fingerprint INTEGER NOT NULL)");
}
static_assert(application_id == 1886544760);

std::string name_of(std::int64_t id) { return "stash_" + std::to_string(id); }

/// The number of the stash of this name, if there is one. Throws if its values are of another type.
std::optional<std::int64_t> find_table(sqlite_database& database, std::string const& name, std::uint64_t fingerprint) {
  statement find(database, "SELECT id, fingerprint FROM stashes WHERE name = ?");
  if (!find.bind(1, name).next()) return std::nullopt;
  if (static_cast<std::uint64_t>(find.number(1)) != fingerprint)
    throw stash_error(errc::signature_mismatch, database.file(), "the stash '" + name + "' holds values of another type");
  return find.number(0);
}

std::int64_t make_table(sqlite_database& database, std::string const& name, std::uint64_t fingerprint) {
  if (is_fresh(database)) make_schema(database);  // nobody else has made it in the meantime
  if (auto const id = find_table(database, name, fingerprint)) return *id;
  statement(database, "INSERT INTO stashes(name, fingerprint) VALUES(?, ?)")
      .bind(1, name)
      .bind(2, static_cast<std::int64_t>(fingerprint))
      .run();
  std::int64_t const id = database.number("SELECT last_insert_rowid()");
  std::string const columns =
      "(kind INTEGER, key BLOB, sum INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID";
  database.run(("CREATE TABLE " + name_of(id) + columns).c_str());
  return id;
}

/// The table's number; the table is made if need be.
std::int64_t open_table(sqlite_database& database, std::string const& name, std::uint64_t fingerprint,
                        sqlite_options const& options) {
  bool fresh = false;
  database.read([&] { fresh = is_fresh(database); });
  if (database.is_read_only()) {
    if (auto const id = fresh ? std::nullopt : find_table(database, name, fingerprint)) return *id;
    throw stash_error(boost::system::errc::make_error_code(boost::system::errc::permission_denied), database.file(),
                      "cannot be written, and has no stash '" + name + "' yet");
  }
  database.patiently([&] { database.run("PRAGMA journal_mode = WAL"); });
  database.run(options.how == durability::full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  database.run("PRAGMA journal_size_limit = 67108864");
  auto const find = [&] { return find_table(database, name, fingerprint); };
  if (auto const there = fresh ? std::nullopt : database.patiently(find)) return *there;
  std::int64_t id = 0;
  database.write([&] { id = make_table(database, name, fingerprint); });
  return id;
}

class sqlite_store final : public byte_store {
  static std::int64_t number(record_kind kind) { return static_cast<std::int64_t>(kind); }

  /// SQLite itself takes what was cut off its file's last page for zeros.
  std::int64_t sum_of(record_kind kind, std::span<std::byte const> value) const {
    return static_cast<std::int64_t>(checksum_of(value, fingerprint_ + static_cast<std::uint64_t>(kind)));
  }

  /// Has one query made, again if another program was in the way; no reader is left open after it.
  template <class Work>
  auto read(statement& query, Work const& work) {
    database_.check_process();
    std::lock_guard const lock(mutex_);
    return database_.patiently([&] {
      struct resets {
        statement& s;
        ~resets() { s.reset(); }
      } const after{query};
      return work();
    });
  }
  template <class Work>
  void write(Work const& work) {
    database_.check_process();
    std::lock_guard const lock(mutex_);
    database_.write(work);
  }

 public:
  sqlite_store(std::filesystem::path const& file, std::string const& name, std::uint64_t fingerprint, sqlite_options const& options)
      : database_(file, options.patience),
        table_(name_of(open_table(database_, name, fingerprint, options))),
        fingerprint_(fingerprint),
        get_(database_, "SELECT sum, value FROM " + table_ + " WHERE kind = ? AND key = ?"),
        keys_(database_, "SELECT key FROM " + table_ + " WHERE kind = ?"),
        count_(database_, "SELECT count(*) FROM " + table_ + " WHERE kind = ?"),
        put_(database_, "INSERT OR REPLACE INTO " + table_ + " VALUES(?, ?, ?, ?)"),
        erase_(database_, "DELETE FROM " + table_ + " WHERE kind = ? AND key = ?"),
        clear_(database_, "DELETE FROM " + table_) {}

  found get(record_kind kind, std::string const& key, std::vector<std::byte>& bytes) override {
    return read(get_, [&] {
      if (!get_.bind(1, number(kind)).bind(2, key).next()) return found::nothing;
      auto const value = get_.bytes(1);
      if (sum_of(kind, value) != get_.number(0)) return found::damaged;
      bytes.assign(value.begin(), value.end());
      return found::record;
    });
  }
  void put(std::span<record const> records) override {
    if (records.empty()) return;
    write([&] {
      for (record const& one : records) {
        std::span<std::byte const> const value(one.bytes);
        put_.bind(1, number(one.kind)).bind(2, one.key).bind(3, sum_of(one.kind, value)).bind(4, value).run();
        if (one.kind == record_kind::value) erase_.bind(1, number(record_kind::failure)).bind(2, one.key).run();
      }
    });
  }
  bool erase(record_kind kind, std::string const& key) override {
    bool was_there = false;
    write([&] {
      erase_.bind(1, number(kind)).bind(2, key).run();
      was_there = database_.changes() > 0;
    });
    return was_there;
  }
  bool exists(record_kind kind, std::string const& key) override {
    std::vector<std::byte> bytes;
    return get(kind, key, bytes) == found::record;
  }
  std::vector<std::string> keys(record_kind kind) override {
    return read(keys_, [&] {
      std::vector<std::string> all;
      keys_.bind(1, number(kind));
      while (keys_.next()) {
        auto const key = keys_.bytes(0);
        all.emplace_back(reinterpret_cast<char const*>(key.data()), key.size());
      }
      return all;
    });
  }
  std::size_t count(record_kind kind) override {
    return read(count_, [&] {
      count_.bind(1, number(kind)).next();
      return static_cast<std::size_t>(count_.number(0));
    });
  }
  void clear() override {
    write([&] { clear_.run(); });
  }

 private:
  std::mutex mutex_;  // guards what follows
  sqlite_database database_;
  std::string table_;
  std::uint64_t fingerprint_;
  statement get_, keys_, count_, put_, erase_, clear_;
};

}  // namespace

std::unique_ptr<byte_store> make_sqlite_store(std::filesystem::path const& file, std::string const& table,
                                              std::uint64_t fingerprint, sqlite_options const& options) {
  return std::make_unique<sqlite_store>(file, table, fingerprint, options);
}

}  // namespace procx::inline v1
