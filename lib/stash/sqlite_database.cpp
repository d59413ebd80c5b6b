#include "stash/sqlite_database.hpp"

#include "system/generation.hpp"

#include <algorithm>
#include <limits>
#include <system_error>

namespace procx::inline v1::detail {
namespace {

namespace system_errc = boost::system::errc;

boost::system::error_code code_for(int code) {
  switch (code & 0xff) {
    case sqlite_library::busy:
    case sqlite_library::locked: return errc::busy;
    case sqlite_library::not_a_database:
    case sqlite_library::corrupt: return errc::protocol_error;
    case sqlite_library::no_memory: return system_errc::make_error_code(system_errc::not_enough_memory);
    case sqlite_library::read_only: return system_errc::make_error_code(system_errc::read_only_file_system);
    case sqlite_library::full: return system_errc::make_error_code(system_errc::no_space_on_device);
    case sqlite_library::cannot_open: return system_errc::make_error_code(system_errc::permission_denied);
    case sqlite_library::too_big: return errc::value_too_large;
    default: return system_errc::make_error_code(system_errc::io_error);
  }
}

std::filesystem::path made_ready(std::filesystem::path const& file) {
  std::filesystem::path const whole = std::filesystem::absolute(file);  // SQLite gives some short names a meaning of their own
  std::error_code why;
  std::filesystem::create_directories(whole.parent_path(), why);
  if (why) throw stash_error(why, whole.parent_path(), "cannot be made: " + why.message());
  constexpr std::uintmax_t least = 512;  // a page; SQLite would write over a file of one byte
  if (auto const size = std::filesystem::file_size(whole, why); !why && size > 0 && size < least)
    throw stash_error(errc::protocol_error, whole, "is no database, and is left as it is");
  return whole;
}

}  // namespace

sqlite_database::sqlite_database(std::filesystem::path const& file, std::chrono::milliseconds patience)
    : library_(sqlite_library::get()), file_(made_ready(file)), patience_(patience), generation_(generation()) {
  constexpr int flags = sqlite_library::open_read_write | sqlite_library::open_create | sqlite_library::open_no_mutex;
  int const code = library_.open_v2(file_.c_str(), &connection_, flags, nullptr);
  try {
    if (code != sqlite_library::ok) fail(code);
    library_.extended_result_codes(connection_, 1);
    library_.busy_timeout(connection_, static_cast<int>(std::min<std::int64_t>(patience.count(), std::numeric_limits<int>::max())));
  } catch (...) {
    library_.close(connection_);
    throw;
  }
}

sqlite_database::~sqlite_database() {
  if (generation_ == generation()) library_.close(connection_);
}

void sqlite_database::check_process() const {
  if (generation_ != generation())
    throw stash_error(errc::foreign_process, file_, "was opened by the process that this one was forked from");
}

void sqlite_database::fail(int code) const {
  std::string why = connection_ ? library_.errmsg(connection_) : library_.errstr(code);
  if (code_for(code) == errc::busy) why = "another program has it locked (" + why + ')';
  if ((code & 0xff) == sqlite_library::not_a_database) why = "is no database, and is left as it is (" + why + ')';
  throw stash_error(code_for(code), file_, why);
}

void sqlite_database::run(char const* sql) { statement(*this, sql).run(); }

std::int64_t sqlite_database::number(char const* sql) {
  statement s(*this, sql);
  return s.next() ? s.number(0) : 0;
}

bool sqlite_database::is_read_only() const { return library_.db_readonly(connection_, "main") == 1; }

void sqlite_database::roll_back() noexcept {
  if (library_.get_autocommit(connection_)) return;  // SQLite has done so by itself
  try {
    run("ROLLBACK");
  } catch (std::exception const&) {
    // The error that led here says more.
  }
}

sqlite_database::statement::statement(sqlite_database& of, std::string const& sql) : of_(of) {
  of.patiently([&] {
    int const code = of.library_.prepare_v2(of.connection_, sql.c_str(), -1, &handle_, nullptr);
    if (code != sqlite_library::ok) of.fail(code);
  });
}

sqlite_database::statement::~statement() {
  if (of_.generation_ == generation()) of_.library_.finalize(handle_);
}

sqlite_database::statement& sqlite_database::statement::bind(int index, std::int64_t number) {
  int const code = of_.library_.bind_int64(handle_, index, number);
  if (code != sqlite_library::ok) of_.fail(code);
  return *this;
}

sqlite_database::statement& sqlite_database::statement::bind(int index, std::span<std::byte const> bytes) {
  if (bytes.size() > std::size_t{std::numeric_limits<int>::max()}) of_.fail(sqlite_library::too_big);
  // Of a null pointer it would make no value at all.
  void const* const at = bytes.empty() ? "" : static_cast<void const*>(bytes.data());
  int const code = of_.library_.bind_blob(handle_, index, at, static_cast<int>(bytes.size()), nullptr);
  if (code != sqlite_library::ok) of_.fail(code);
  return *this;
}

bool sqlite_database::statement::next() {
  int const code = of_.library_.step(handle_);
  if (code == sqlite_library::row) return true;
  if (code != sqlite_library::done) {
    // The message is the connection's, and a reset may change it.
    struct resets {
      statement& s;
      ~resets() { s.reset(); }
    } const after{*this};
    of_.fail(code);
  }
  reset();
  return false;
}

void sqlite_database::statement::reset() noexcept {
  of_.library_.reset(handle_);
  of_.library_.clear_bindings(handle_);
}

std::span<std::byte const> sqlite_database::statement::bytes(int column) const {
  auto const* const at = static_cast<std::byte const*>(of_.library_.column_blob(handle_, column));
  return {at, static_cast<std::size_t>(of_.library_.column_bytes(handle_, column))};
}

}  // namespace procx::inline v1::detail
