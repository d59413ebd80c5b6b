#include "query.hpp"

#include "console.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace indexer {
namespace {

constexpr int weight_of_all = 1000, weight_of_part = 1;

/// Whether nothing but "_" could make what stands at this place a part of a longer name.
bool is_whole_name(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin == 0 || text[begin - 1] != '_') && (end == text.size() || text[end] != '_');
}

/// The lines of a text, asked for in their order.
class line_finder {
 public:
  explicit line_finder(std::string_view text) : text_(text) {}

  /// Where the line begins that this place is in.
  std::size_t begin_of(std::size_t at) {
    while (end_ <= at) {
      begin_ = end_;
      auto const newline = text_.find('\n', begin_);
      end_ = newline == text_.npos ? text_.size() : newline + 1;
    }
    return begin_;
  }

 private:
  std::string_view text_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace

query query::of_words(std::vector<std::string> const& words) {
  query result;
  for (std::string const& word : words) {
    needle whole = result.take_apart(word, weight_of_all);
    if (whole.words.empty() && !word.empty()) result.literals_.push_back(word);
    if (whole.words.empty()) continue;
    result.expression_ += '"';
    for (std::size_t w : whole.words) result.expression_ += result.vocabulary_[w] + ' ';
    result.expression_ += "\" ";
    bool const plain = whole.words.size() == 1 && whole.gaps[0].empty() && whole.gaps[1].empty();
    result.needs_text_ = result.needs_text_ || !plain;
    for (std::size_t w : whole.words) result.add({{w}, {{}, {}}, weight_of_part});
    result.add(std::move(whole));
  }
  result.needs_text_ = result.needs_text_ || !result.literals_.empty();
  if (result.expression_.empty()) throw failure("there is no letter or digit in what you are looking for");
  return result;
}

query query::of_expression(std::string const& expression) {
  constexpr std::array<std::string_view, 4> operators{"AND", "OR", "NOT", "NEAR"};
  query result;
  result.expression_ = expression;
  result.prefixes_ = true;
  result.tokenizer_.each(expression, [&](token const& t) {
    bool const is_operator = std::ranges::count(operators, expression.substr(t.begin, t.end - t.begin)) > 0;
    if (!is_operator) result.add({{result.number_of(t.folded)}, {{}, {}}, weight_of_part});
  });
  return result;
}

query::needle query::take_apart(std::string_view text, int weight) {
  needle result{{}, {}, weight};
  std::size_t end = 0;
  tokenizer_.each(text, [&](token const& t) {
    result.words.push_back(number_of(t.folded));
    result.gaps.emplace_back(text.substr(end, t.begin - end));
    end = t.end;
  });
  result.gaps.emplace_back(text.substr(end));
  return result;
}

std::size_t query::number_of(std::string_view word) {
  auto const known = std::ranges::find(vocabulary_, word);
  if (known == vocabulary_.end()) return vocabulary_.emplace_back(word), vocabulary_.size() - 1;
  return static_cast<std::size_t>(known - vocabulary_.begin());
}

/// What is there already becomes heavier.
void query::add(needle n) {
  auto const same = [&](needle const& other) { return other.words == n.words && other.gaps == n.gaps; };
  auto const there = std::ranges::find_if(needles_, same);
  if (there == needles_.end())
    needles_.push_back(std::move(n));
  else
    there->weight = std::max(there->weight, n.weight);
}

std::vector<query::hit> query::hits_in(std::string_view text) const {
  std::vector<hit> hits;
  std::size_t number = 0;
  tokenizer_.each(text, [&](token const& t) {
    for (std::size_t w = 0; w < vocabulary_.size(); ++w)
      if (prefixes_ ? t.folded.starts_with(vocabulary_[w]) : t.folded == vocabulary_[w])
        hits.push_back({number, w, t.begin, t.end});
    ++number;
  });
  return hits;
}

/// Whether it stands in the text from that hit on. (Where prefixes are, each needle is one word.)
bool query::stands_at(needle const& n, std::string_view text, std::vector<hit> const& hits, std::size_t first) {
  if (hits.size() - first < n.words.size()) return false;
  for (std::size_t i = 0; i < n.words.size(); ++i) {
    hit const& h = hits[first + i];
    if (h.word != n.words[i] || h.number != hits[first].number + i) return false;
    if (i > 0 && text.substr(hits[first + i - 1].end, h.begin - hits[first + i - 1].end) != n.gaps[i]) return false;
  }
  return text.substr(0, hits[first].begin).ends_with(n.gaps.front()) &&
         text.substr(hits[first + n.words.size() - 1].end).starts_with(n.gaps.back());
}

bool query::accepts(std::string_view text) const {
  auto const hits = hits_in(text);
  auto const stands_somewhere = [&](needle const& n) {
    for (std::size_t i = 0; i < hits.size(); ++i)
      if (stands_at(n, text, hits, i)) return true;
    return false;
  };
  return std::ranges::all_of(needles_, stands_somewhere) &&
         std::ranges::all_of(literals_, [&](auto const& l) { return text.find(l) != text.npos; });
}

query::place query::best_line(std::string_view text) const {
  struct score {
    int weight = 0;
    std::size_t column = 0;
    std::set<needle const*> counted;  // once a line each
  };
  std::map<std::size_t, score> lines;  // by where they begin
  line_finder finder(text);
  auto const hits = hits_in(text);
  for (std::size_t i = 0; i < hits.size(); ++i) {
    for (needle const& n : needles_) {
      if (!stands_at(n, text, hits, i)) continue;
      std::size_t const begin = hits[i].begin, end = hits[i + n.words.size() - 1].end;
      std::size_t const line = finder.begin_of(begin);
      score& s = lines.try_emplace(line, score{0, begin - line, {}}).first->second;
      if (s.counted.insert(&n).second) s.weight += is_whole_name(text, begin, end) ? 2 * n.weight : n.weight;
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
