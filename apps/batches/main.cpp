// procx-batches: documents come in batches and are indexed in parallel; that a batch is complete is logged in the order of
// the batches. One document in the middle is slow: the batches behind it run meanwhile, and are logged after it.
//
//   procx-batches [BATCHES [DOCUMENTS [WORKERS]]]
//
// Closes with a timeline, one line a batch: '=' from the begin of its first document to the end of its last one, '.' until
// it was logged, '#' for the slow document.

#include <procx/procx.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

namespace px = procx;
using namespace std::string_view_literals;
using namespace std::chrono_literals;
using seconds = std::chrono::duration<double>;

namespace {

double now() { return seconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct document {
  int batch;
  int number;
  bool slow;
};

struct indexed {
  double began = 0;
  double ended = 0;
  std::size_t words = 0;
  bool slow = false;
};
struct batch_end {
  int batch = 0;
};
using item = std::variant<indexed, batch_end>;

/// Stands for what takes time: reading a document and counting its words.
indexed index_document(document const& d) {
  indexed result{.began = now(), .slow = d.slow};
  std::unordered_map<std::string, int> words;
  for (int i = 0; i < 2000; ++i) ++words[fmt::format("word{}", (i * d.number) % 500)];
  std::this_thread::sleep_for(d.slow ? 400ms : 5ms);
  result.words = words.size();
  result.ended = now();
  return result;
}

struct batch_report {
  double began = 1e300;
  double ended = 0;
  double logged = 0;
  double slow_from = 0, slow_to = 0;
  std::size_t documents = 0;
  std::size_t words = 0;

  void add(indexed const& d) {
    began = std::min(began, d.began);
    ended = std::max(ended, d.ended);
    if (d.slow) slow_from = d.began, slow_to = d.ended;
    ++documents;
    words += d.words;
  }
};

/// The consumer: everything comes in the order in which it was put, so a batch is complete when its mark comes.
std::vector<batch_report> log_batches(px::parallel_queue<item>& queue, double start) {
  std::vector<batch_report> reports;
  batch_report current;
  for (item const& i : queue) {
    if (auto const* d = std::get_if<indexed>(&i)) {
      current.add(*d);
      continue;
    }
    current.logged = now();
    fmt::print("{:6.3f} s  batch {} is complete: {} documents, {} words; {} items behind it\n", current.logged - start,
               std::get<batch_end>(i).batch, current.documents, current.words, queue.size());
    reports.push_back(current);
    current = {};
  }
  return reports;
}

void draw(std::vector<batch_report> const& reports, double start) {
  double const end = reports.back().logged;
  constexpr std::size_t width = 80;
  auto const column = [&](double when) {
    return std::min(width - 1, static_cast<std::size_t>((when - start) / (end - start) * width));
  };
  fmt::print("\n0 s{:>{}.3f} s\n", end - start, width + 4);
  for (std::size_t b = 0; b < reports.size(); ++b) {
    batch_report const& r = reports[b];
    std::string line(width, ' ');
    auto const fill = [&](double from, double to, char with) {
      std::fill(line.begin() + static_cast<std::ptrdiff_t>(column(from)),
                line.begin() + static_cast<std::ptrdiff_t>(column(to)) + 1, with);
    };
    fill(r.ended, r.logged, '.');
    fill(r.began, r.ended, '=');
    if (r.slow_to > 0) fill(r.slow_from, r.slow_to, '#');
    fmt::print("batch {:2} |{}|\n", b, line);
  }
}

int number(char const* text, int at_least) {
  int n = 0;
  std::string_view const all = text;
  auto const [end, error] = std::from_chars(all.data(), all.data() + all.size(), n);
  if (error != std::errc() || end != all.data() + all.size() || n < at_least)
    throw std::invalid_argument("not a number from " + std::to_string(at_least) + " on: " + std::string(all));
  return n;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 4 || (argc > 1 && argv[1][0] == '-')) {
    bool const asked = argc == 2 && (argv[1] == "--help"sv || argv[1] == "-h"sv);
    fmt::print(asked ? stdout : stderr, "Usage: procx-batches [BATCHES [DOCUMENTS [WORKERS]]]   8, 20 and 4 unless told otherwise\n");
    return asked ? 0 : 2;
  }
  int const batches = argc > 1 ? number(argv[1], 1) : 8, documents = argc > 2 ? number(argv[2], 1) : 20;
  px::parallel_queue<item> queue({.workers = argc > 3 ? number(argv[3], 1) : 4});
  double const start = now();
  std::jthread producer([&] {
    for (int b = 0; b < batches; ++b) {
      for (int d = 0; d < documents; ++d)
        queue.put(index_document, document{b, d, b == batches / 2 && d == documents / 2});
      queue.pass(batch_end{b});  // runs nowhere, and keeps its place
    }
    queue.stop();
  });
  auto const reports = log_batches(queue, start);
  draw(reports, start);
} catch (std::exception const& e) {
  fmt::print(stderr, "procx-batches: {}\n", e.what());
  return 2;
}
