#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace indexer {

/// What the user looks for: what the full-text table can tell, and what has to be looked up in the files.
class query {
 public:
  /// Files that have all the words. A word is found as it is written, whatever it contains ("operator<<", "std::vector",
  /// "shared_ptr"), in any case; it begins and ends where a word of the text does. One with letters beyond ASCII is found
  /// as the full-text table finds it: with or without accents, and whatever stands between its parts. Throws failure if
  /// there is not one letter or digit to look for.
  static query of_words(std::vector<std::string> const& words);
  /// In the language of FTS5: AND, OR, NOT, NEAR, prefixes*, "phrases".
  static query of_expression(std::string const& expression);

  /// For MATCH.
  std::string const& expression() const { return expression_; }

  /// Whether a file that the full-text table names must still be looked into.
  bool needs_text() const { return !literals_.empty(); }
  /// Whether a text has what the table could not tell.
  bool accepts(std::string_view text) const;

  struct place {
    std::int64_t line = 0;       ///< from 1; 0 if there is no word of the query in the text
    std::string_view text;       ///< that line, without its end
    std::size_t column = 0;      ///< of the first word in it, from 0, in bytes
  };
  /// The line of the text that has most of the query, the first of them. Whole names count more than parts of them.
  place best_line(std::string_view text) const;

 private:
  struct needle {
    std::string word;  ///< in lower case
    int weight = 0;
  };
  void add_needle(std::string_view word, int weight);

  std::string expression_;
  bool prefixes_ = false;              ///< a needle may be the beginning of a word
  std::vector<std::string> literals_;  ///< in lower case
  std::vector<needle> needles_;
};

}  // namespace indexer
