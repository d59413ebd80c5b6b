#include "tokenizer.hpp"

#include "shard.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <exception>
#include <string>

namespace indexer {
namespace {

/// FTS5 hands out its functions by filling in the pointer that such a statement is given.
fts5_api& functions_of(SQLite::Database& database) {
  fts5_api* found = nullptr;
  sqlite3_stmt* ask = nullptr;
  int result = sqlite3_prepare_v2(database.getHandle(), "SELECT fts5(?1)", -1, &ask, nullptr);
  if (result == SQLITE_OK) result = sqlite3_bind_pointer(ask, 1, &found, "fts5_api_ptr", nullptr);
  if (result == SQLITE_OK) sqlite3_step(ask);
  sqlite3_finalize(ask);
  if (!found) throw SQLite::Exception("SQLite has no full-text tables here", result);
  return *found;
}

/// What one call of SQLite's is to do, and the exception that it must not see.
struct user {
  std::function<void(token const&)> const& use;
  std::exception_ptr error = nullptr;
};

int take(void* context, int, char const* word, int size, int begin, int end) {
  user& u = *static_cast<user*>(context);
  try {
    u.use({{word, static_cast<std::size_t>(size)}, static_cast<std::size_t>(begin), static_cast<std::size_t>(end)});
    return SQLITE_OK;
  } catch (...) {
    u.error = std::current_exception();
    return SQLITE_ABORT;
  }
}

}  // namespace

tokenizer::tokenizer()
    : home_(std::make_unique<SQLite::Database>(":memory:", SQLite::OPEN_READWRITE)),
      calls_(std::make_unique<fts5_tokenizer>()) {
  fts5_api& functions = functions_of(*home_);
  void* context = nullptr;
  int result = functions.xFindTokenizer(&functions, text_tokenizer, &context, calls_.get());
  Fts5Tokenizer* made = nullptr;
  if (result == SQLITE_OK) result = calls_->xCreate(context, nullptr, 0, &made);
  if (result != SQLITE_OK) throw SQLite::Exception("the tokenizer of the full-text table is not there", result);
  made_ = {made, calls_->xDelete};
}

tokenizer::tokenizer(tokenizer&&) noexcept = default;
tokenizer::~tokenizer() = default;

void tokenizer::each(std::string_view text, std::function<void(token const&)> const& use) const {
  user u{use};
  int const result =
      calls_->xTokenize(made_.get(), &u, FTS5_TOKENIZE_DOCUMENT, text.data(), static_cast<int>(text.size()), &take);
  if (u.error) std::rethrow_exception(u.error);
  if (result != SQLITE_OK) throw SQLite::Exception("a text cannot be taken apart", result);
}

}  // namespace indexer
