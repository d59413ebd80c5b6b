#include "query.hpp"

#include "failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace indexer {
namespace {

/// As the full-text table sees it, nearly: what is beyond ASCII is taken for letters.
bool is_word_byte(char c) {
  auto const byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string in_lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

/// Whether nothing but "_" could make the word at this place a part of a longer name.
bool is_whole_name(std::string_view text, std::size_t at, std::size_t length) {
  bool const begins = at == 0 || text[at - 1] != '_';
  bool const ends = at + length >= text.size() || text[at + length] != '_';
  return begins && ends;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (auto it = text.begin(); it != text.end();) {
    auto const begin = std::find_if(it, text.end(), is_word_byte);
    it = std::find_if_not(begin, text.end(), is_word_byte);
    if (begin != it) words.emplace_back(begin, it);
  }
  return words;
}

/// Whether this byte next to a word makes it a part of a longer one. Beyond ASCII there are letters and quotation marks,
/// and to lose a word in quotation marks would be worse.
bool goes_on(char neighbour) { return is_ascii(neighbour) && is_word_byte(neighbour); }

/// Where a word stands in a text, both in lower case, not as a part of a longer one unless as its beginning where
/// `may_go_on`; npos if nowhere.
std::size_t find_word(std::string_view text, std::string_view word, std::size_t from, bool may_go_on = false) {
  for (auto at = text.find(word, from); at != text.npos; at = text.find(word, at + 1)) {
    std::size_t const end = at + word.size();
    bool const begins = at == 0 || !is_word_byte(word.front()) || !goes_on(text[at - 1]);
    bool const ends = may_go_on || end == text.size() || !is_word_byte(word.back()) || !goes_on(text[end]);
    if (begins && ends) return at;
  }
  return text.npos;
}

}  // namespace

query query::of_words(std::vector<std::string> const& words) {
  query result;
  for (std::string const& word : words) {
    auto const parts = words_of(word);
    if (parts.empty() && !word.empty()) result.literals_.push_back(in_lower_case(word));
    if (parts.empty()) continue;
    result.expression_ += fmt::format("\"{}\" ", fmt::join(parts, " "));
    bool const plain = parts.size() == 1 && parts[0].size() == word.size();
    if (!plain && std::ranges::all_of(word, is_ascii)) result.literals_.push_back(in_lower_case(word));
    result.add_needle(word, 1000);
    for (std::string_view part : parts) result.add_needle(part, 1);
  }
  if (result.expression_.empty()) throw failure("there is no letter or digit in what you are looking for");
  return result;
}

query query::of_expression(std::string const& expression) {
  query result;
  result.expression_ = expression;
  result.prefixes_ = true;
  for (std::string_view word : words_of(expression))
    if (word != "AND" && word != "OR" && word != "NOT" && word != "NEAR") result.add_needle(word, 1);
  return result;
}

void query::add_needle(std::string_view word, int weight) {
  std::string key = in_lower_case(word);
  if (std::ranges::find(needles_, key, &needle::word) == needles_.end()) needles_.push_back({std::move(key), weight});
}

bool query::accepts(std::string_view text) const {
  std::string const folded = in_lower_case(text);
  return std::ranges::all_of(literals_, [&](auto const& word) { return find_word(folded, word, 0) != folded.npos; });
}

query::place query::best_line(std::string_view text) const {
  struct score {
    int weight = 0;
    std::size_t column = 0;
  };
  std::string const folded = in_lower_case(text);
  std::map<std::size_t, score> lines;  // by where they begin
  for (needle const& n : needles_) {
    for (auto at = find_word(folded, n.word, 0, prefixes_); at != folded.npos;) {
      auto const newline = folded.rfind('\n', at);
      std::size_t const begin = newline == folded.npos ? 0 : newline + 1;
      auto const [line, fresh] = lines.try_emplace(begin);
      line->second.column = fresh ? at - begin : std::min(line->second.column, at - begin);
      line->second.weight += is_whole_name(folded, at, n.word.size()) ? 2 * n.weight : n.weight;
      auto const end = folded.find('\n', at);  // once a line for each needle
      at = end == folded.npos ? end : find_word(folded, n.word, end, prefixes_);
    }
  }
  if (lines.empty()) return {};
  auto const best = std::ranges::max_element(lines, {}, [](auto const& line) { return line.second.weight; });
  std::size_t const begin = best->first;
  auto const number = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(begin), '\n') + 1;
  std::string_view line = text.substr(begin, text.substr(begin).find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return {number, line, best->second.column};
}

}  // namespace indexer
