#pragma once

#include "tokenizer.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace indexer {

/// What the user looks for: what the full-text table can tell, and what has to be looked up in the files.
class query {
 public:
  /// Files that have all the words. A word is found as it is written, whatever it contains ("operator<<", "std::vector",
  /// "shared_ptr"), in any case, with or without accents; it begins and ends where a word of the text does. Throws failure
  /// if there is not one letter or digit to look for.
  static query of_words(std::vector<std::string> const& words);
  /// In the language of FTS5: AND, OR, NOT, NEAR, prefixes*, "phrases".
  static query of_expression(std::string const& expression);

  /// For MATCH.
  std::string const& expression() const { return expression_; }

  /// Whether a file that the full-text table names must still be looked into.
  bool needs_text() const { return needs_text_; }
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
  /// What is looked for, taken apart: words of the full-text table, and what stands before, between and behind them.
  struct needle {
    std::vector<std::size_t> words;  ///< in `vocabulary_`
    std::vector<std::string> gaps;   ///< one more
    int weight = 0;
  };
  /// A word of a text that is in the vocabulary.
  struct hit {
    std::size_t number = 0;  ///< of the word in the text
    std::size_t word = 0;    ///< in `vocabulary_`
    std::size_t begin = 0, end = 0;
  };

  needle take_apart(std::string_view text, int weight);
  std::size_t number_of(std::string_view word);
  void add(needle n);
  std::vector<hit> hits_in(std::string_view text) const;
  static bool stands_at(needle const& n, std::string_view text, std::vector<hit> const& hits, std::size_t first);

  tokenizer tokenizer_;
  std::string expression_;
  bool needs_text_ = false;
  bool prefixes_ = false;                ///< a word of the vocabulary may be the beginning of one of a text
  std::vector<std::string> vocabulary_;  ///< without accents, in lower case
  std::vector<needle> needles_;
  std::vector<std::string> literals_;  ///< without a letter or digit
};

}  // namespace indexer
