#include "results.hpp"

#include <algorithm>
#include <utility>

namespace bench {
namespace {

std::optional<spread> spread_of(std::vector<double> const& values) {
  if (values.empty()) return std::nullopt;
  auto const [least, most] = std::minmax_element(values.begin(), values.end());
  return spread{quantile(values, 0.5), *least, *most};
}

template <class Of>
std::vector<double> each(std::vector<measured> const& samples, Of of) {
  std::vector<double> all;
  for (measured const& m : samples) all.push_back(of(m));
  return all;
}

/// Samples of the same number are of the same round: whoever misses one is out.
std::optional<spread> compare(standing const& one, standing const* other, bool more_is_better) {
  if (!other) return std::nullopt;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(one.samples.size(), other->samples.size()); ++i) {
    double const ratio = one.samples[i].value / other->samples[i].value;
    ratios.push_back(more_is_better ? ratio : 1 / ratio);
  }
  return spread_of(ratios);
}

void run_once(contender const& who, standing& s, run_settings const& how) {
  run_outcome const r = run_apart(who, how.where, how.limit);
  if (r.figures) {
    s.samples.push_back(*r.figures);
  } else {
    s.failed = r.failed;
    s.note = r.note;
  }
}

void add_best(race_result& result, best_of const& b) {
  standing const* best = nullptr;
  for (std::string const& name : b.members) {
    standing const* const s = result.find(name);
    if (!s || !s->value) continue;
    if (best && (s->value->median < best->value->median) == result.more_is_better) continue;
    best = s;
  }
  if (!best) return;
  standing row = *best;
  row.stands_for = std::exchange(row.name, b.name);
  row.against = b.against;
  result.standings.push_back(std::move(row));
}

void summarize(race_result& result, race const& what) {
  for (standing& s : result.standings) {
    s.value = spread_of(each(s.samples, [](measured const& m) { return m.value; }));
    if (!s.samples.empty() && s.samples.front().second > 0)
      s.second = spread_of(each(s.samples, [](measured const& m) { return m.second; }));
  }
  for (best_of const& b : what.best) add_best(result, b);
  for (standing& s : result.standings) s.speed = compare(s, result.find(s.against), result.more_is_better);
  if (what.remark) result.remark = what.remark(result);
}

}  // namespace

bool race_result::failed() const {
  return std::any_of(standings.begin(), standings.end(), [](standing const& s) { return s.failed; });
}

standing const* race_result::find(std::string_view name) const {
  auto const found =
      std::find_if(standings.begin(), standings.end(), [&](standing const& s) { return s.name == name; });
  return found == standings.end() ? nullptr : &*found;
}

race_result run_race(race const& what, run_settings const& how,
                     std::function<void(std::string const& name, std::size_t round)> const& before_each) {
  race_result result{what.title, what.unit, what.more_is_better, what.second, what.place, {}};
  for (contender const& c : what.contenders) {
    standing s;
    s.name = c.name;
    s.against = !c.against.empty() ? c.against : c.name != what.reference ? what.reference : "";
    result.standings.push_back(s);
  }
  std::size_t const rounds = std::min(how.rounds, what.most_rounds);
  for (std::size_t round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < what.contenders.size(); ++i) {
      if (!result.standings[i].note.empty()) continue;
      before_each(what.contenders[i].name, round);
      run_once(what.contenders[i], result.standings[i], how);
    }
  summarize(result, what);
  return result;
}

}  // namespace bench
