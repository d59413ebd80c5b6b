#include "pipeline/segment_plan.hpp"

#include <utility>

namespace procx::inline v1::detail {
namespace {

/// Whether a stage has nothing of its own, so that it runs where the one before it does.
bool joins_the_one_before(stage_entry const& s, stage_options const& before) {
  stage_options const& o = s.options;
  bool const plain = !o.workers && !o.chunk_size && !o.ordered && !o.here && !o.retries && !o.memory_limit &&
                     o.task_timeout.count() == 0 && !s.stage->has_setup() && !o.log;
  bool const open = !before.ordered && !before.here && !(before.workers && before.workers->is_here()) && !before.retries &&
                    !before.memory_limit && before.task_timeout.count() == 0;
  return plain && open;
}

}  // namespace

std::vector<std::unique_ptr<segment>> segments_of(std::vector<stage_entry> stages) {
  std::vector<std::unique_ptr<segment>> all;
  std::vector<stage_entry> together;
  for (stage_entry& s : stages) {
    if (!together.empty() && !joins_the_one_before(s, together.front().options))
      all.push_back(std::make_unique<segment>(all.size(), std::exchange(together, {})));
    together.push_back(std::move(s));
  }
  all.push_back(std::make_unique<segment>(all.size(), std::move(together)));
  return all;
}

}  // namespace procx::inline v1::detail
