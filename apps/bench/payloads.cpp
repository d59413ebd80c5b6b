// Vectors from 16 bytes to 64 MiB to another process and back: what a value costs as it grows. Both directions count;
// every page is read and the vector changed over there.

#include "cases.hpp"
#include "payload.hpp"
#include "raw.hpp"

#include <procx/procx.hpp>

#include <algorithm>
#include <cstring>
#include <ranges>

namespace bench {
namespace {

namespace px = procx;
using numbers = payload::numbers;

measured rate(payload const& data, std::size_t count, stopwatch const& time) {
  double const seconds = time.seconds(), n = static_cast<double>(count);
  return {2 * static_cast<double>(data.bytes()) * n / seconds / double(std::size_t{1} << 30), seconds * 1e6 / n};
}

measured px_pmap(std::size_t size, std::size_t count) {
  payload const data(size);
  std::size_t answers = 0;
  stopwatch const time;
  auto const inputs =
      std::views::iota(std::size_t{0}, count) | std::views::transform([&](auto) -> auto& { return data.sent(); });
  auto const work = [](numbers v) {
    payload::change(v);
    return v;
  };
  for (numbers const& v : px::pmap(work, inputs, {.workers = 2})) {
    data.check_answer(v);
    ++answers;
  }
  measured const m = rate(data, count, time);
  check(answers == count);
  return m;
}

measured px_channel(std::size_t size, std::size_t count) {
  payload const data(size);
  px::channel ch = px::start([](px::channel& up) {
    for (;;) {
      auto v = up.receive<numbers>();
      payload::change(v);
      up.send(v);
    }
  });
  stopwatch const time;
  for (std::size_t i = 0; i < count; ++i) {
    ch.send(data.sent());
    data.check_answer(ch.receive<numbers>());
  }
  return rate(data, count, time);
}

measured raw_pipe(std::size_t size, std::size_t count) {
  payload const data(size);
  raw_worker const other(
      [&](int in, int out) {
        for (numbers v(data.sent().size()); read_all(in, v.data(), size);) {
          payload::change(v);
          write_all(out, v.data(), size);
        }
      },
      1 << 20);
  numbers back(data.sent().size());
  stopwatch const time;
  for (std::size_t i = 0; i < count; ++i) {
    write_all(other.to(), data.sent().data(), size);
    check(read_all(other.from(), back.data(), size));
    data.check_answer(back);
  }
  return rate(data, count, time);
}

/// In one process, into memory that is warm.
measured copy(std::size_t size, std::size_t count) {
  payload const data(size);
  numbers there(data.sent()), back(data.sent());
  stopwatch const time;
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(there.data(), data.sent().data(), size);
    payload::change(there);
    std::memcpy(back.data(), there.data(), size);
    data.check_answer(back);
  }
  return rate(data, count, time);
}

race vectors_of(std::string const& name, std::size_t size, effort e) {
  // A quarter of a GiB, or as many as there is time for: many under way, one at a time, without leaving the process.
  auto const at_most = [=](std::size_t count) {
    return e.of(std::min(count, (std::size_t{256} << 20) / size), size < (1 << 20) ? 20 : 2);
  };
  std::size_t const many = at_most(200'000), single = at_most(20'000), copies = 4 * at_most(500'000);
  return {
      .title = "vectors of " + name + " there and back, as they grow",
      .unit = "GiB/s",
      .more_is_better = true,
      .reference = "memcpy",
      .contenders = {{"px::pmap, nothing tuned", [=] { return px_pmap(size, many); }},
                     {"px::channel, one at a time", [=] { return px_channel(size, single); }},
                     {"raw pipe of 1 MiB, one at a time", [=] { return raw_pipe(size, single); }},
                     {"memcpy", [=] { return copy(size, copies); }}},
      .second = "µs each",
      .place = static_cast<double>(size),
  };
}

}  // namespace

std::vector<race> payloads(effort e) {
  constexpr std::size_t kib = 1 << 10, mib = 1 << 20;
  return {vectors_of("16 B", 16, e),        vectors_of("256 B", 256, e),      vectors_of("4 KiB", 4 * kib, e),
          vectors_of("64 KiB", 64 * kib, e), vectors_of("1 MiB", mib, e), vectors_of("16 MiB", 16 * mib, e),
          vectors_of("64 MiB", 64 * mib, e)};
}

}  // namespace bench
