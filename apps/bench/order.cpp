// Many short tasks behind one that takes long, on two workers: results in order cannot be given until that one is done.
// How long all take, and how much memory the results that have to wait take meanwhile.

#include "cases.hpp"
#include "memory.hpp"
#include "python.hpp"
#include "spin.hpp"

#include <procx/procx.hpp>

#include <fmt/format.h>

#include <chrono>
#include <ranges>

namespace bench {
namespace {

namespace px = procx;

struct plan {
  std::size_t tasks;  // short ones, of a millisecond each
  std::chrono::milliseconds first;
  std::size_t size;  // of each result, in bytes
};

using numbers = std::vector<std::uint64_t>;

numbers result_of(std::size_t number, plan const& p) {
  using namespace std::chrono_literals;
  spin_and_do({}, number == 0 ? p.first : 1ms);
  return numbers(p.size / sizeof(std::uint64_t), number);
}

/// Time in ms, and how far memory has grown in MiB.
measured px_pmap(plan const& p, bool ordered) {
  std::size_t const count = p.tasks + 1;
  std::size_t taken = 0, sum = 0;
  bool in_order = true;
  memory_growth const memory;
  stopwatch const time;
  for (numbers const& r : px::pmap([&](std::size_t n) { return result_of(n, p); },
                                   std::views::iota(std::size_t{0}, count), {.workers = 2, .ordered = ordered})) {
    check(r.size() == p.size / sizeof(std::uint64_t) && r.front() == r.back());
    in_order = in_order && r.front() == taken;
    sum += r.front();
    ++taken;
  }
  measured const m{time.seconds() * 1e3, memory.mib()};
  check(taken == count && sum == count * (count - 1) / 2 && (in_order || !ordered));
  return m;
}

contender python(std::string const& name, char const* way, plan const& p) {
  return in_python(name, "order.py",
                   {way, std::to_string(p.tasks), std::to_string(p.first.count()), std::to_string(p.size)});
}

race behind_one(std::string const& size, plan const& p) {
  auto const ms = static_cast<std::size_t>(p.first.count());
  return {
      .title = fmt::format("{} tasks of 1 ms behind one of {} ms, results of {}", p.tasks, ms, size),
      .unit = "ms in all",
      .reference = "px::pmap, not ordered",
      .contenders = {{"px::pmap, in order", [=] { return px_pmap(p, true); }},
                     {"px::pmap, not ordered", [=] { return px_pmap(p, false); }},
                     python("Python imap, in order", "imap", p),
                     python("Python imap_unordered", "imap_unordered", p)},
      .second = "MiB grown",
      .remark =
          [=](race_result const&) {
            return fmt::format("At best, with two processors: {} ms; all results together: {} MiB.",
                               (p.tasks + ms) / 2, (p.tasks + 1) * p.size >> 20);
          },
  };
}

}  // namespace

std::vector<race> order(effort e) {
  using namespace std::chrono_literals;
  auto const first = e.quick ? 10ms : 300ms;
  return {behind_one("16 KiB", {e.of(1000, 20), first, 16 << 10}),
          behind_one("1 MiB", {e.of(500, 10), first, 1 << 20})};
}

}  // namespace bench
