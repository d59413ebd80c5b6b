#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

struct Fts5Tokenizer;
struct fts5_tokenizer;

namespace SQLite {
class Database;
}

namespace indexer {

/// A word of a text as the full-text table sees it.
struct token {
  std::string_view folded;  ///< in lower case, without accents; valid until the next one
  std::size_t begin = 0;    ///< where it stands in the text, in bytes
  std::size_t end = 0;
};

/// Takes texts apart as the full-text table does: by FTS5's own tokenizer.
class tokenizer {
 public:
  tokenizer();
  tokenizer(tokenizer&&) noexcept;
  ~tokenizer();

  /// In the order of the text. Throws SQLite::Exception, and what `use` throws.
  void each(std::string_view text, std::function<void(token const&)> const& use) const;

 private:
  std::unique_ptr<SQLite::Database> home_;
  std::unique_ptr<fts5_tokenizer> calls_;
  std::unique_ptr<Fts5Tokenizer, void (*)(Fts5Tokenizer*)> made_{nullptr, nullptr};
};

}  // namespace indexer
