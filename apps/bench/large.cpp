// Vectors of 1 MiB and 64 MiB to another process and back; both directions count. Every page is read and the vector
// changed over there.

#include "cases.hpp"
#include "raw.hpp"

#include <procx/procx.hpp>

#include <cstdint>
#include <cstring>
#include <numeric>
#include <ranges>
#include <utility>

namespace bench {
namespace {

namespace px = procx;

using numbers = std::vector<std::uint64_t>;
constexpr std::size_t page = 4096 / sizeof(std::uint64_t);

/// The work: the sum of a number from each page takes the place of the first.
template <class Numbers>
void change(Numbers& v) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < v.size(); i += page) sum += v[i];
  v[0] = sum;
}

struct plan {
  std::size_t size;   // of one vector, in bytes
  std::size_t count;  // how many go there and back
};

/// A vector to send, and what is to come back.
class payload {
 public:
  explicit payload(std::size_t bytes) : sent_(bytes / sizeof(std::uint64_t)) {
    std::iota(sent_.begin(), sent_.end(), 1);
    expected_ = sent_;
    change(expected_);
  }
  numbers const& sent() const noexcept { return sent_; }
  /// Looks at the ends of every page.
  template <class Numbers>
  void check_answer(Numbers const& v) const {
    check(v.size() == expected_.size() && v[v.size() - 1] == expected_.back());
    for (std::size_t i = 0; i < v.size(); i += page) check(v[i] == expected_[i]);
  }

 private:
  numbers sent_;
  numbers expected_;
};

measured gib_per_second(plan const& p, double seconds) {
  return {2.0 * static_cast<double>(p.size) * static_cast<double>(p.count) / seconds / double(std::size_t{1} << 30)};
}

measured px_pmap(plan const& p) {
  payload const data(p.size);
  std::size_t answers = 0;
  stopwatch const time;
  auto const inputs =
      std::views::iota(std::size_t{0}, p.count) | std::views::transform([&](auto) -> auto& { return data.sent(); });
  auto const work = [](numbers v) {
    change(v);
    return v;
  };
  for (numbers const& v : px::pmap(work, inputs, {.workers = 2})) {
    data.check_answer(v);
    ++answers;
  }
  double const seconds = time.seconds();
  check(answers == p.count);
  return gib_per_second(p, seconds);
}

/// One copy at each end, into memory that is used again; in between the worker changes what was sent.
measured px_reused(plan const& p) {
  payload const data(p.size);
  numbers back(data.sent().size());
  std::size_t answers = 0;
  stopwatch const time;
  auto const inputs =
      std::views::iota(std::size_t{0}, p.count) | std::views::transform([&](auto) -> auto& { return data.sent(); });
  auto const work = [](px::shared_vector<std::uint64_t> v) {
    change(v);
    return v;
  };
  for (auto const& v : px::pmap(work, inputs, {.workers = 2})) {
    std::memcpy(back.data(), v.data(), p.size);
    data.check_answer(back);
    ++answers;
  }
  double const seconds = time.seconds();
  check(answers == p.count);
  return gib_per_second(p, seconds);
}

/// No copy at all: the worker reads every page where the parent has written it, and writes every page of its answer where
/// the parent reads it.
measured px_in_place(plan const& p) {
  payload const data(p.size);
  px::shared_vector<std::uint64_t> sent(data.sent().size());
  std::memcpy(sent.data(), data.sent().data(), p.size);
  std::size_t answers = 0;
  stopwatch const time;
  auto const inputs = std::views::iota(std::size_t{0}, p.count) | std::views::transform([&](auto) -> auto& { return sent; });
  auto const work = [](px::view<std::uint64_t> v) {
    px::shared_vector<std::uint64_t> answer(v.size());
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < v.size(); i += page) sum += answer[i] = v[i];
    answer[0] = sum;
    answer[v.size() - 1] = v[v.size() - 1];
    return answer;
  };
  for (auto const& v : px::pmap(work, inputs, {.workers = 2})) {
    data.check_answer(v);
    ++answers;
  }
  double const seconds = time.seconds();
  check(answers == p.count);
  return gib_per_second(p, seconds);
}

measured px_channel(plan const& p) {
  payload const data(p.size);
  px::channel ch = px::start([](px::channel& up) {
    for (;;) {
      auto v = up.receive<numbers>();
      change(v);
      up.send(v);
    }
  });
  stopwatch const time;
  for (std::size_t i = 0; i < p.count; ++i) {
    ch.send(data.sent());
    data.check_answer(ch.receive<numbers>());
  }
  return gib_per_second(p, time.seconds());
}

measured raw_pipe(plan const& p) {
  payload const data(p.size);
  raw_worker const other(
      [&](int in, int out) {
        for (numbers v(data.sent().size()); read_all(in, v.data(), p.size);) {
          change(v);
          write_all(out, v.data(), p.size);
        }
      },
      1 << 20);
  numbers back(data.sent().size());
  stopwatch const time;
  for (std::size_t i = 0; i < p.count; ++i) {
    write_all(other.to(), data.sent().data(), p.size);
    check(read_all(other.from(), back.data(), p.size));
    data.check_answer(back);
  }
  return gib_per_second(p, time.seconds());
}

/// In one process, into memory that is warm.
measured copy(plan const& p) {
  payload const data(p.size);
  numbers there(data.sent()), back(data.sent());
  stopwatch const time;
  for (std::size_t i = 0; i < p.count; ++i) {
    std::memcpy(there.data(), data.sent().data(), p.size);
    change(there);
    std::memcpy(back.data(), there.data(), p.size);
    data.check_answer(back);
  }
  return gib_per_second(p, time.seconds());
}

race there_and_back(std::string const& size, plan const& p) {
  return {
      .title = "vectors of " + size + " there and back",
      .unit = "GiB/s",
      .more_is_better = true,
      .reference = "memcpy",
      .contenders = {{"px::pmap, into reused buffers", [=] { return px_reused(p); }},
                     {"px::pmap, in place", [=] { return px_in_place(p); }},
                     {"px::pmap, vectors", [=] { return px_pmap({p.size, p.count / 4}); }},
                     {"px::channel", [=] { return px_channel({p.size, p.count / 10}); }},
                     {"raw pipe of 1 MiB", [=] { return raw_pipe({p.size, p.count / 10}); }},
                     {"memcpy", [=] { return copy(p); }}},
  };
}

}  // namespace

std::vector<race> large(effort e) {
  constexpr std::size_t mib = std::size_t{1} << 20;
  return {there_and_back("1 MiB", {mib, e.of(8000, 40)}),
          e.quick ? there_and_back("4 MiB", {4 * mib, 20}) : there_and_back("64 MiB", {64 * mib, 40})};
}

}  // namespace bench
