#include "pipeline/segment_outline.hpp"

namespace procx::inline v1::detail {
namespace {

bool is_here(stage_options const& o) noexcept { return o.here || (o.workers && o.workers->is_here()); }

/// Whether a stage has nothing of its own, so that it runs where the one before it does.
bool joins_the_one_before(stage_outline const& s, stage_outline const& first) {
  if (!s.address.empty() || !first.address.empty()) return false;
  stage_options const& before = first.options;
  stage_options const& o = s.options;
  bool const plain = !o.workers && !o.chunk_size && !o.ordered && !o.key && !o.here && !o.retries && !o.memory_limit &&
                     o.linger.count() == 0 && o.task_timeout.count() == 0 && !s.has_ends && !o.log;
  bool const open = !is_here(before) && !before.retries && !before.memory_limit && before.task_timeout.count() == 0;
  return plain && open;
}

}  // namespace

std::string segment_outline::how() const {
  std::string text = !address.empty() ? "at " + address.string()
                     : here           ? "here"
                                      : std::to_string(workers) + (workers == 1 ? " process" : " processes");
  if (ordered) text += ", in order";
  if (keyed) text += ", in order by key";
  return text;
}

segment_outline outline_of(std::vector<stage_outline> const& stages) {
  segment_outline s;
  for (stage_outline const& stage : stages) s.name += (s.name.empty() ? "" : "+") + stage.options.name;
  stage_options const& o = stages.front().options;
  s.stages = stages.size();
  s.here = is_here(o);
  s.address = stages.front().address;
  s.workers = s.here || !s.address.empty() ? 1 : o.workers.value_or(worker_count()).resolve();
  s.ordered = o.ordered;
  s.keyed = static_cast<bool>(o.key);
  return s;
}

std::vector<std::size_t> plan_of(std::vector<stage_outline> const& stages) {
  std::vector<std::size_t> plan;
  stage_outline const* first = nullptr;  // of the segment
  for (stage_outline const& s : stages) {
    if (first && joins_the_one_before(s, *first)) {
      ++plan.back();
      continue;
    }
    first = &s;
    plan.push_back(1);
  }
  return plan;
}

}  // namespace procx::inline v1::detail
