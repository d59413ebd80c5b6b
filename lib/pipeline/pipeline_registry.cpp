#include "pipeline/pipeline_registry.hpp"

#include "pipeline/stage_chain.hpp"

#include <procx/dispatch/registered_task.hpp>
#include <procx/error/exceptions.hpp>

#include <map>
#include <mutex>
#include <set>

namespace procx::inline v1::detail::pipeline_registry {
namespace {

struct entries {
  std::mutex mutex;
  std::map<std::uint64_t, std::weak_ptr<named_pipeline>> pipelines;
  std::map<std::uint64_t, std::set<std::uint64_t>> sends_to;
};

entries& all() {
  static entries* const made = new entries;  // never destroyed: pipelines may be static objects
  return *made;
}

bool reaches(entries const& e, std::uint64_t from, std::uint64_t to) {
  if (from == to) return true;
  auto const next = e.sends_to.find(from);
  if (next == e.sends_to.end()) return false;
  for (std::uint64_t const n : next->second)
    if (reaches(e, n, to)) return true;
  return false;
}

}  // namespace

std::uint64_t number_of(std::string const& name) noexcept {
  std::uint64_t const hash = name_hash(name);
  constexpr auto taken = static_cast<std::uint64_t>(stage_topic::last);
  return hash <= taken ? hash + taken + 1 : hash;
}

void add(std::uint64_t number, std::weak_ptr<named_pipeline> const& pipeline) {
  auto& e = all();
  std::lock_guard const lock(e.mutex);
  auto const [at, is_new] = e.pipelines.try_emplace(number, pipeline);
  if (is_new) return;
  if (!at->second.expired()) throw sequence_error("there is a pipeline of this name");
  at->second = pipeline;
}

void remove(std::uint64_t number) noexcept {
  auto& e = all();
  std::lock_guard const lock(e.mutex);
  e.pipelines.erase(number);
  e.sends_to.erase(number);
  for (auto& [from, to] : e.sends_to) to.erase(number);
}

std::shared_ptr<named_pipeline> find(std::uint64_t number) {
  auto& e = all();
  std::lock_guard const lock(e.mutex);
  auto const at = e.pipelines.find(number);
  return at == e.pipelines.end() ? nullptr : at->second.lock();
}

void note_sends(std::uint64_t from, std::uint64_t to) {
  auto& e = all();
  std::lock_guard const lock(e.mutex);
  auto& known = e.sends_to[from];
  if (known.contains(to)) return;
  if (reaches(e, to, from)) throw sequence_error("pipelines that send to each other in a circle would wait for each other");
  known.insert(to);
}

}  // namespace procx::inline v1::detail::pipeline_registry
