#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

/// Work for every way in which procx runs tasks, with a check that each task comes to exactly one end, and a right one.
namespace workload {

enum class mode {
  queue,           ///< a process for each task
  queue_reuse,     ///< workers
  map,             ///< a process for each task
  map_reuse,       ///< workers
  pmap,            ///< ordered
  pmap_unordered,  ///<
  process_pool,    ///< futures
  parallel_queue,  ///< one thread puts, one gets
  pipeline,        ///< three stages with processes of their own: in order, at random, in order by key
  pipeline_emit,   ///< a stage that makes many of each item, and one behind it
  channel,         ///< one forked process, one from the early nursery if there is one, one clean image
};
inline constexpr mode modes[] = {mode::queue,          mode::queue_reuse,  mode::map,
                                 mode::map_reuse,      mode::pmap,         mode::pmap_unordered,
                                 mode::process_pool,   mode::parallel_queue, mode::pipeline,
                                 mode::pipeline_emit,  mode::channel};
char const* name_of(mode m);

struct plan {
  mode how = mode::pmap;
  std::size_t tasks = 100;
  std::size_t words = 4;  ///< in the argument and in the result, each of 8 bytes; 4,096 and more lie in shared memory
  int workers = 2;
  unsigned retries = 0;
  std::chrono::nanoseconds task_timeout{0};
  std::chrono::nanoseconds spin{0};          ///< what each task takes
  std::size_t trouble = 0;  ///< each so-many-th task throws, or ends its process, in turn; 0: none does
};

/// How the tasks ended.
struct tally {
  std::size_t values = 0;
  std::map<std::string, std::size_t> failures;  ///< by what was thrown
  std::size_t failed() const;
  tally& operator+=(tally const& other);
  std::string text() const;
};

/// Something that must not be: two outcomes of one task, or none, or a wrong one.
struct wrong : std::logic_error {
  using std::logic_error::logic_error;
};

/// Runs it all. `step` is called now and then, between outcomes. Throws `wrong`, or what the interface throws if it
/// cannot go on.
tally run(plan const& what, std::function<void()> const& step = {});

/// How many tasks have begun, here and in processes that were forked since the first call.
std::atomic<std::uint64_t>& begun();

/// Whether an exception is one that the interface speaks of, and its name.
bool is_documented(std::exception_ptr const& error, std::string& name);

}  // namespace workload
