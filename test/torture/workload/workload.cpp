#include "workload.hpp"

#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/system/system_error.hpp>

#include <csignal>
#include <cstdlib>
#include <deque>
#include <future>
#include <new>
#include <ranges>
#include <thread>
#include <utility>

#include <unistd.h>

namespace px = procx;

namespace workload {
namespace {

using numbers = std::vector<std::uint64_t>;

enum class behaviour : std::uint64_t { good, throws, aborts, exits };

/// [0] is the task's number, [1] how it is to behave, [2] what it is to take in nanoseconds.
constexpr std::size_t head = 3;

constexpr std::uint64_t factor = 0x7fb5d329728ea185u;

std::uint64_t mixed(std::uint64_t n) noexcept {
  n = (n ^ n >> 31) * factor;
  return n ^ n >> 27;
}
/// What was mixed.
std::uint64_t unmixed(std::uint64_t n) noexcept {
  n ^= n >> 27 ^ n >> 54;
  std::uint64_t inverse = factor;  // right in its last 3 bits; each step of Newton's method doubles that
  for (int i = 0; i < 5; ++i) inverse *= 2 - factor * inverse;
  n *= inverse;
  return n ^ n >> 31 ^ n >> 62;
}

behaviour behaviour_of(plan const& p, std::size_t index) noexcept {
  if (p.trouble == 0 || index % p.trouble != p.trouble - 1) return behaviour::good;
  return static_cast<behaviour>(1 + index / p.trouble % 3);
}

numbers argument(plan const& p, std::size_t index) {
  numbers all(std::max(p.words, head));
  all[0] = index;
  all[1] = static_cast<std::uint64_t>(behaviour_of(p, index));
  all[2] = static_cast<std::uint64_t>(p.spin.count());
  for (std::size_t i = head; i < all.size(); ++i) all[i] = mixed(index + i);
  return all;
}

numbers work(numbers all) {
  begun().fetch_add(1, std::memory_order_relaxed);
  switch (static_cast<behaviour>(all[1])) {
    case behaviour::good: break;
    case behaviour::throws: throw std::runtime_error("a task that throws");
    case behaviour::aborts: ::raise(SIGKILL); break;
    case behaviour::exits: ::_exit(3);
  }
  auto const until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(all[2]);
  for (auto& n : all) n = mixed(n);
  while (all[2] && std::chrono::steady_clock::now() < until) {}
  return all;
}

void work_for_channel(px::channel& up) {
  for (;;) up.send(work(up.receive<numbers>()));
}

/// Each task's end, noted once.
class ledger {
 public:
  ledger(plan const& p, std::function<void()> const& step) : plan_(p), step_(step), seen_(p.tasks) {}

  void value(std::size_t index, numbers const& result) {
    note(index);
    if (behaviour_of(plan_, index) != behaviour::good) throw wrong("a value of a task that has none");
    if (result.size() != std::max(plan_.words, head)) throw wrong("a result of another size");
    if (result[0] != mixed(index)) throw wrong("the result of another task");
    for (std::size_t i = head; i < result.size(); ++i)
      if (result[i] != mixed(mixed(index + i))) throw wrong("a wrong result");
    ++tally_.values;
  }
  void failure(std::size_t index, std::exception_ptr const& error) {
    note(index);
    std::string name;
    if (!is_documented(error, name)) throw wrong("a task ended with " + name);
    ++tally_.failures[name];
  }
  /// A failure of one of these tasks, or of all of them that have no outcome as yet.
  template <class Tasks>
  void failure_among(Tasks tasks, bool all, std::exception_ptr const& error) {
    for (std::size_t const index : tasks) {
      if (seen_.at(index)) continue;
      failure(index, error);
      if (!all) return;
    }
  }
  void outcome(px::outcome<numbers> const& o) {
    if (o)
      value(o.index(), *o);
    else
      failure(o.index(), o.error());
  }
  tally close() const {
    if (noted_ != plan_.tasks)
      throw wrong(std::to_string(plan_.tasks - noted_) + " of " + std::to_string(plan_.tasks) + " tasks have no outcome");
    return tally_;
  }

 private:
  void note(std::size_t index) {
    if (index >= seen_.size()) throw wrong("an outcome of a task that was never started");
    if (std::exchange(seen_[index], true)) throw wrong("a second outcome of task " + std::to_string(index));
    ++noted_;
    if (step_) step_();
  }

  plan const& plan_;
  std::function<void()> const& step_;
  std::vector<char> seen_;
  std::size_t noted_ = 0;
  tally tally_;
};

auto arguments(plan const& p) {
  return std::views::iota(std::size_t{0}, p.tasks) | std::views::transform([&p](std::size_t i) { return argument(p, i); });
}

void run_queue(plan const& p, bool reuse, ledger& book) {
  px::queue<numbers> q({.limit = p.workers, .reuse = reuse, .retries = p.retries, .task_timeout = p.task_timeout});
  std::size_t const ahead = reuse ? 1000 : 4;
  std::size_t started = 0;
  auto const start = [&] {
    if (reuse)
      q.start(px::make_reusable(work), argument(p, started));
    else
      q.start(px::make_parallel(work), argument(p, started));
    ++started;
  };
  while (started < p.tasks && started < ahead) start();
  while (auto const* o = q.next_outcome()) {
    book.outcome(*o);
    if (started < p.tasks) start();
  }
}

void run_map(plan const& p, bool reuse, ledger& book) {
  px::map<numbers> m({.limit = p.workers, .reuse = reuse, .retries = p.retries, .task_timeout = p.task_timeout});
  std::size_t const at_a_time = reuse ? 1000 : 8;
  for (std::size_t from = 0; from < p.tasks; from += at_a_time) {
    for (std::size_t i = from; i < std::min(p.tasks, from + at_a_time); ++i)
      if (reuse)
        m.start(px::make_reusable(work), argument(p, i));
      else
        m.start(px::make_parallel(work), argument(p, i));
    while (auto const* o = m.next_outcome()) book.outcome(*o);
  }
}

void run_pmap(plan const& p, bool ordered, ledger& book) {
  std::size_t expected = 0;
  for (auto const& o : px::pmap(work, arguments(p), {.workers = p.workers, .ordered = ordered, .retries = p.retries,
                                                     .task_timeout = p.task_timeout})
                           .outcomes()) {
    if (ordered && o.index() != expected++) throw wrong("out of order");
    book.outcome(o);
  }
}

void run_pool(plan const& p, ledger& book) {
  px::process_pool pool({.workers = p.workers, .retries = p.retries, .task_timeout = p.task_timeout});
  std::deque<std::future<numbers>> under_way;
  std::size_t taken = 0;
  auto const take = [&] {
    auto future = std::move(under_way.front());
    under_way.pop_front();
    std::size_t const index = taken++;
    numbers result;
    try {
      result = future.get();
    } catch (std::exception const&) {
      return book.failure(index, std::current_exception());
    }
    book.value(index, result);
  };
  for (std::size_t i = 0; i < p.tasks; ++i) {
    if (under_way.size() == 1000) take();
    under_way.push_back(pool.submit(work, argument(p, i)));
  }
  while (!under_way.empty()) take();
}

void run_parallel_queue(plan const& p, ledger& book) {
  px::parallel_queue<numbers> queue({.workers = p.workers, .retries = p.retries, .task_timeout = p.task_timeout});
  std::exception_ptr failed;
  std::thread producer([&] {
    try {
      for (std::size_t i = 0; i < p.tasks; ++i) queue.put(work, argument(p, i));
    } catch (...) {
      failed = std::current_exception();
    }
    queue.stop();
  });
  try {
    std::size_t expected = 0;
    for (auto const& o : queue.outcomes()) {
      if (o.index() != expected++) throw wrong("out of order");
      book.outcome(o);
    }
  } catch (...) {
    queue.stop();
    producer.join();
    throw;
  }
  producer.join();
  if (failed) std::rethrow_exception(failed);
}

/// Feeds all of `items` to a pipeline, which makes of each the tasks that `tasks_of` says, and notes their ends.
template <class Pipeline, class Items, class Tasks>
void run_through(Pipeline& pipeline, Items const& items, Tasks tasks_of, ledger& book) {
  pipeline.start();
  std::exception_ptr failed;
  std::thread feeder([&] {
    try {
      for (auto const& item : items) pipeline.feed(item);
      try {
        static_cast<void>(pipeline.join());
      } catch (px::process_died const&) {  // a worker was killed as it left, which is told once
        static_cast<void>(pipeline.join());
      }
    } catch (...) {
      failed = std::current_exception();
      pipeline.stop();
    }
  });
  try {
    for (numbers const& r : pipeline.as_completed(px::skip_failures)) book.value(static_cast<std::size_t>(unmixed(r[0])), r);
  } catch (...) {
    pipeline.stop();
    feeder.join();
    throw;
  }
  feeder.join();
  if (failed) std::rethrow_exception(failed);
  for (auto const& f : pipeline.failures()) book.failure_among(tasks_of(f.item), f.stage == "origin 1", f.error);
  auto const s = pipeline.summary();
  if (s.in + s.added != s.out + s.dropped + s.failed) throw wrong("items that have no end");
}

void run_pipeline(plan const& p, ledger& book) {
  auto const pass = [](numbers n) { return n; };
  auto pipeline =
      px::pipeline({.max_size = 1000})
          .add_origin(pass, {.workers = 2, .ordered = true, .retries = p.retries, .task_timeout = p.task_timeout})
          .add_task(work, {.workers = p.workers, .retries = p.retries, .task_timeout = p.task_timeout})
          .add_destination(pass, {.workers = 2,
                                  .key = [](numbers const& n) { return n[0] % 7; },
                                  .retries = p.retries,
                                  .task_timeout = p.task_timeout});
  run_through(pipeline, arguments(p), [](std::uint64_t item) { return std::views::single(static_cast<std::size_t>(item)); }, book);
}

/// Ten tasks of each item.
void run_pipeline_emit(plan const& p, ledger& book) {
  constexpr std::size_t each = 10;
  auto const tasks_of = [&p](std::size_t item) { return std::views::iota(item * each, std::min(p.tasks, (item + 1) * each)); };
  auto const emit = [p, tasks_of](std::size_t item, px::emit<numbers> out) {
    for (std::size_t const index : tasks_of(item)) out(argument(p, index));
  };
  auto pipeline = px::pipeline()
                      .add_origin(emit, {.workers = 2, .retries = p.retries, .task_timeout = p.task_timeout})
                      .add_task(work, {.workers = p.workers, .retries = p.retries, .task_timeout = p.task_timeout});
  run_through(pipeline, std::views::iota(std::size_t{0}, (p.tasks + each - 1) / each), tasks_of, book);
}

void run_channel(plan const& p, ledger& book) {
  px::start_options const ways[] = {{.method = px::start_method::fork, .via = px::transport::socket},
                                    {.method = px::start_method::automatic, .acknowledged = true},
                                    {.method = px::start_method::exec}};
  std::size_t index = 0;
  for (std::size_t way = 0; way < std::size(ways); ++way) {
    auto ch = px::start(ways[way], work_for_channel);
    std::size_t const last = p.tasks * (way + 1) / std::size(ways);
    for (bool open = true; index < last; ++index) {
      numbers result;
      try {
        if (!open) ch = px::start(ways[way], work_for_channel);
        ch.send(argument(p, index));
        result = ch.receive<numbers>();
      } catch (px::error const&) {
        book.failure(index, std::current_exception());
        open = false;
        continue;
      }
      book.value(index, result);
    }
  }
}

}  // namespace

std::atomic<std::uint64_t>& begun() {
  static observe::shared<std::atomic<std::uint64_t>> const count;
  return *count;
}

char const* name_of(mode m) {
  switch (m) {
    case mode::queue: return "queue";
    case mode::queue_reuse: return "queue, reuse";
    case mode::map: return "map";
    case mode::map_reuse: return "map, reuse";
    case mode::pmap: return "pmap";
    case mode::pmap_unordered: return "pmap, unordered";
    case mode::process_pool: return "process_pool";
    case mode::parallel_queue: return "parallel_queue";
    case mode::pipeline: return "pipeline";
    case mode::pipeline_emit: return "pipeline, emit";
    case mode::channel: return "channel";
  }
  return "?";
}

std::size_t tally::failed() const {
  std::size_t sum = 0;
  for (auto const& [name, count] : failures) sum += count;
  return sum;
}

tally& tally::operator+=(tally const& other) {
  values += other.values;
  for (auto const& [name, count] : other.failures) failures[name] += count;
  return *this;
}

std::string tally::text() const {
  std::string all = std::to_string(values) + " values";
  for (auto const& [name, count] : failures) all += ", " + std::to_string(count) + ' ' + name;
  return all;
}

bool is_documented(std::exception_ptr const& error, std::string& name) {
  try {
    std::rethrow_exception(error);
  } catch (wrong const& e) {
    name = e.what();
    return false;
  } catch (px::remote_exception const&) {
    name = "remote_exception";
  } catch (px::process_died const&) {
    name = "process_died";
  } catch (px::task_timeout const&) {
    name = "task_timeout";
  } catch (px::task_cancelled const&) {
    name = "task_cancelled";
  } catch (px::end_of_channel const&) {
    name = "end_of_channel";
  } catch (px::protocol_error const&) {
    name = "protocol_error";
  } catch (px::error const&) {
    name = "error";
  } catch (boost::system::system_error const&) {
    name = "system_error";
  } catch (std::system_error const&) {
    name = "system_error";
  } catch (std::bad_alloc const&) {
    name = "bad_alloc";
  } catch (std::exception const& e) {
    name = std::string("an exception that is not documented: ") + e.what();
    return false;
  } catch (...) {
    name = "something that is no exception";
    return false;
  }
  return true;
}

tally run(plan const& what, std::function<void()> const& step) {
  ledger book(what, step);
  switch (what.how) {
    case mode::queue: run_queue(what, false, book); break;
    case mode::queue_reuse: run_queue(what, true, book); break;
    case mode::map: run_map(what, false, book); break;
    case mode::map_reuse: run_map(what, true, book); break;
    case mode::pmap: run_pmap(what, true, book); break;
    case mode::pmap_unordered: run_pmap(what, false, book); break;
    case mode::process_pool: run_pool(what, book); break;
    case mode::parallel_queue: run_parallel_queue(what, book); break;
    case mode::pipeline: run_pipeline(what, book); break;
    case mode::pipeline_emit: run_pipeline_emit(what, book); break;
    case mode::channel: run_channel(what, book); break;
  }
  return book.close();
}

}  // namespace workload
