#pragma once

#include <procx/detail/pipeline/copy_line.hpp>
#include <procx/dispatch/registered_task.hpp>
#include <procx/pipeline/destination.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <pqxx/connection>
#include <pqxx/result>
#include <pqxx/stream_to>
#include <pqxx/subtransaction>
#include <pqxx/transaction>

namespace procx::inline v1 {

struct postgres_destination_options {
  /// Run each time the destination is opened: CREATE TABLE IF NOT EXISTS and the like.
  std::string schema = {};
  /// Which of several pipelines it is that write into the same database what they make of the same inputs. One program at a time has a name.
  std::string name = "pipeline";
  commit_options commit = {};
  /// How long to wait for a program that has the same name, or that has locked the tables; 0: not at all.
  std::chrono::milliseconds patience = std::chrono::seconds(60);
  /// Whether bytes that are no UTF-8, and NULs, which PostgreSQL has in no text, are replaced by U+FFFD. Otherwise their batch fails.
  bool replace_invalid_text = false;
};

/// A transaction in PostgreSQL that a batch is written in.
class postgres_transaction {
 public:
  postgres_transaction(pqxx::transaction_base& work, bool replace_invalid_text) noexcept
      : work_(work), replace_invalid_text_(replace_invalid_text) {}

  pqxx::transaction_base& work() noexcept { return work_; }
  /// Rows into a table by COPY: their members (or elements) into these columns.
  template <class Rows>
  void copy(std::string const& table, std::vector<std::string> const& columns, Rows const& rows) {
    pqxx::stream_to to(work_, table, columns);
    detail::copy_line line(replace_invalid_text_);
    for (auto const& row : rows) to << line.fields_of(row);
    to.complete();
  }

 private:
  pqxx::transaction_base& work_;
  bool const replace_invalid_text_;
};

namespace detail {

/// A database of PostgreSQL without the types of rows.
class postgres_connection {
 public:
  postgres_connection(std::string const& where, postgres_destination_options const& options) : options_(options) {
    explained([&] {
      connection_.emplace(where);
      called_ = std::string("PostgreSQL, database ") + connection_->dbname();
      pqxx::work work(*connection_);
      work.exec("SET client_min_messages = warning");
      work.exec("SET lock_timeout = " + std::to_string(std::max<std::int64_t>(1, options_.patience.count())));
      work.commit();
    });
    explained([&] { take_name(); });
    explained([&] {
      pqxx::work work(*connection_);
      work.exec("SELECT pg_advisory_xact_lock(" + number_of("schema") + ')');  // IF NOT EXISTS is not for two at once
      work.exec("CREATE TABLE IF NOT EXISTS procx_cursors (name TEXT NOT NULL, source TEXT NOT NULL, begins BIGINT NOT NULL, "
                "ends BIGINT NOT NULL, PRIMARY KEY (name, source, begins))");
      if (!options_.schema.empty()) work.exec(options_.schema);
      work.commit();
      backend_ = connection_->backendpid();
    });
  }

  bool is_usable() const noexcept { return usable_; }

  done_parts load() {
    return explained([&] {
      done_parts done;
      pqxx::work work(*connection_);
      for (auto const& row : work.exec_params("SELECT source, begins, ends FROM procx_cursors WHERE name = $1", options_.name))
        done.add({row[0].as<std::string>(), row[1].as<std::uint64_t>(), row[2].as<std::uint64_t>()});
      return done;
    });
  }
  void begin() {
    explained([&] {
      work_.emplace(*connection_);
      // libpqxx would connect anew by itself, and the name be free meanwhile.
      if (connection_->backendpid() != backend_) throw pqxx::broken_connection("the server has closed it");
    });
  }
  void commit(std::span<done_parts::change const> changes) {
    explained([&] {
      for (done_parts::change const& c : changes) {
        for (std::uint64_t const begin : c.removed)
          work_->exec_params("DELETE FROM procx_cursors WHERE name = $1 AND source = $2 AND begins = $3", options_.name, c.source, begin);
        for (done_parts::range const& r : c.added)
          work_->exec_params("INSERT INTO procx_cursors VALUES ($1, $2, $3, $4)", options_.name, c.source, r.begin, r.end);
      }
      work_->commit();
      work_.reset();
    });
  }
  void roll_back() noexcept { work_.reset(); }
  /// All of the work, or nothing.
  template <class Work>
  void write(Work const& write) {
    try {
      explained([&] {
        pqxx::subtransaction part(*work_, "batch");
        postgres_transaction to(part, options_.replace_invalid_text);
        write(to);
        part.commit();
      });
    } catch (...) {
      if (usable_) check_usable();
      throw;
    }
  }

 private:
  std::string number_of(std::string const& what) const {
    return std::to_string(static_cast<std::int64_t>(name_hash("procx " + what)));
  }
  /// For as long as the connection lasts.
  void take_name() {
    pqxx::work work(*connection_);
    work.exec("SELECT pg_advisory_lock(" + number_of("name " + options_.name) + ')');
    work.commit();
  }
  void check_usable() noexcept {
    try {
      work_->exec("SELECT 1");
    } catch (...) {
      usable_ = false;
    }
  }
  template <class Work>
  std::invoke_result_t<Work const&> explained(Work const& work) try {
    return work();
  } catch (pqxx::sql_error const& e) {
    explain(e.what(), e.sqlstate());
  } catch (pqxx::broken_connection const& e) {
    explain(e.what(), "08000");
  } catch (pqxx::failure const& e) {
    explain(e.what(), {});
  }
  [[noreturn]] void explain(std::string why, std::string const& state);

  postgres_destination_options const options_;
  std::string called_ = "PostgreSQL";
  bool usable_ = true;
  std::optional<pqxx::connection> connection_;
  int backend_ = 0;
  std::optional<pqxx::work> work_;
};

inline void postgres_connection::explain(std::string why, std::string const& state) {
  namespace system_errc = boost::system::errc;
  while (why.ends_with('\n')) why.pop_back();
  boost::system::error_code code = system_errc::make_error_code(system_errc::invalid_argument);
  bool const is_lost = state.starts_with("08") || state.starts_with("57P") || (connection_ && !connection_->is_open());
  if (state == "55P03") {  // lock_not_available
    code = errc::busy;
    why = "another program writes as \"" + options_.name + "\" or has locked a table, for longer than " +
          std::to_string(options_.patience.count()) + " ms (" + why + ')';
  } else if (is_lost) {
    code = errc::connection_error;
    why = "the connection is lost: " + why;
  } else if (state == "53100") {  // disk_full
    code = system_errc::make_error_code(system_errc::no_space_on_device);
  }
  if (code != system_errc::make_error_code(system_errc::invalid_argument)) usable_ = false;
  throw destination_error(code, called_, why);
}

template <class Row>
class postgres_batch_store final : public batch_store<Row> {
 public:
  using writer = std::function<void(postgres_transaction& to, batch<Row> const& rows)>;

  postgres_batch_store(std::string const& where, writer write, postgres_destination_options const& options)
      : connection_(where, options), write_(std::move(write)) {}

  done_parts load() override { return connection_.load(); }
  void begin(done_parts&) override { connection_.begin(); }
  void commit(std::span<done_parts::change const> changes) override { connection_.commit(changes); }
  void roll_back() noexcept override { connection_.roll_back(); }
  bool is_usable() const noexcept override { return connection_.is_usable(); }
  void write(batch<Row> const& rows) override {
    connection_.write([&](postgres_transaction& to) { write_(to, rows); });
  }

 private:
  postgres_connection connection_;
  writer const write_;
};

}  // namespace detail
}  // namespace procx::inline v1
