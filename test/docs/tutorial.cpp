#define BOOST_TEST_MODULE tutorial
#include "docs/output_of.hpp"
#include "support/observe.hpp"

//[
#include <procx/procx.hpp>
namespace px = procx;
//]

#include <boost/asio.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <iostream>
#include <new>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

int square(int n) { return n * n; }
int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
int parse(std::string const& text) { return std::stoi(text); }

std::string convert(std::string const& file) {
  if (file == "broken") throw std::runtime_error("it is broken");
  return file + " converted";
}

struct document {
  int number = 0;
};
struct batch {
  int number = 0;
  std::vector<document> documents = {};
};
struct indexed {
  int number = 0;
};
struct batch_end {
  int number = 0;
};
/// The documents with this number cannot be indexed.
constexpr int unreadable = 1000;
indexed index_document(document const& d) {
  if (d.number == unreadable) throw std::runtime_error("it cannot be read");
  return {d.number};
}

std::vector<batch> batches_of(int count, int documents) {
  std::vector<batch> all;
  for (int b = 0; b < count; ++b) {
    all.push_back({b});
    for (int d = 0; d < documents; ++d) all.back().documents.push_back({d});
  }
  return all;
}

/// What is printed meanwhile.
class printed {
 public:
  explicit printed(std::ostream& to) : to_(to), before_(to.rdbuf(text_.rdbuf())) {}
  ~printed() { to_.rdbuf(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostream& to_;
  std::ostringstream text_;
  std::streambuf* before_;
};

class own_folder {
 public:
  own_folder() : before_(std::filesystem::current_path()) {
    std::string name = (std::filesystem::temp_directory_path() / "procx-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::bad_alloc();
    here_ = name;
    std::filesystem::current_path(here_);
  }
  ~own_folder() {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(here_);
  }

 private:
  std::filesystem::path before_, here_;
};

//[
px::shared_vector<float> blur(px::view<float> in) {
  px::shared_vector<float> out(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = (in[i ? i - 1 : 0] + in[i]) / 2;
  return out;
}
//]

//[
asio::awaitable<void> sum_up(int& sum) {
  auto executor = co_await asio::this_coro::executor;
  px::queue<int> q(executor, {.limit = 2});
  for (int i = 0; i < 10; ++i) q.start(px::make_parallel(fib), i);
  while (std::optional<int> r = co_await q.async_next(asio::use_awaitable)) sum += *r;
}
//]

/// The tutorial's queue; the batches that are complete.
std::string run_queue(std::vector<batch> const& batches) {
  printed out(std::cout);
  //[
  using item = std::variant<indexed, batch_end>;
  px::parallel_queue<item> queue({.workers = 4, .capacity = 100});
  std::jthread producer([&] {
    for (batch const& b : batches) {
      for (document const& d : b.documents) queue.put(index_document, d);
      queue.pass(batch_end{b.number});  // is not run, but keeps its place
    }
    queue.stop();                       // no more input: what was put is still run
  });
  for (item const& i : queue)
    if (auto const* end = std::get_if<batch_end>(&i)) std::cout << "batch " << end->number << " is complete\n";
  //]
  return out.text();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tutorial, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(one_process) {
  //[
  px::channel doubler = px::start([](px::channel& up, int factor) {
    while (int n = up.receive<int>()) up.send(n * factor);
  }, 2);
  doubler.send(21);
  int answer = doubler.receive<int>();  // 42
  doubler.send(0);
  doubler.wait();                       // the process has ended, and is reaped
  //]
  BOOST_TEST(answer == 42);
}

BOOST_AUTO_TEST_CASE(many_processes) {
  std::vector<int> const numbers{1, 2, 3};
  int sum = 0;
  //[
  px::queue<int> q({.limit = 10});
  for (int n : numbers) q.start(px::make_parallel(square), n);
  for (int r : q) sum += r;
  //]
  BOOST_TEST(sum == 14);
}

BOOST_AUTO_TEST_CASE(a_range) {
  std::vector<double> const pictures{1.5, 2.5};
  observe::shared<std::atomic<int>> thumbnails(0);
  auto const measure = [](double picture) { return picture * 2; };
  auto const make_thumbnail = [&](double) { ++*thumbnails; };
  double total = 0;
  //[
  for (double area : px::pmap(measure, pictures)) total += area;
  px::for_each(make_thumbnail, pictures);  // for what it does: nothing comes back
  //]
  BOOST_TEST(total == 8);
  BOOST_TEST(*thumbnails == 2);
}

BOOST_AUTO_TEST_CASE(calls_from_anywhere) {
  std::string const text = "42";
  auto const store = [](std::string const&) {};
  {
    //[
    px::process_pool pool({.workers = 4, .task_timeout = 10s});
    std::future<int> answer = pool.submit(parse, text);
    pool.post(store, text);  // nobody waits for it: it is done before the pool goes
    pool.drain();            // waits for both, and throws if what was posted has failed
    //]
    BOOST_TEST(answer.get() == 42);
  }
  px::process_pool pool({.workers = 1, .log = [](px::log_line const&) {}});
  std::future<int> failing = pool.submit(parse, "no number");
  pool.post(parse, "no number either");
  BOOST_CHECK_THROW(pool.drain(), px::remote_exception);
  BOOST_CHECK_THROW(failing.get(), px::remote_exception);
}

BOOST_AUTO_TEST_CASE(large_values) {
  std::vector<std::vector<float>> const pictures(3, std::vector<float>(100'000, 1.0F));
  std::size_t shown = 0;
  auto const show = [&](px::shared_vector<float> const& picture) { shown += picture.size(); };
  //[
  for (auto const& picture : px::pmap(blur, pictures)) show(picture);  // pictures: vectors of float
  //]
  BOOST_TEST(shown == 300'000u);
}

BOOST_AUTO_TEST_CASE(a_queue) {
  BOOST_TEST(run_queue(batches_of(2, 500)) == "batch 0 is complete\nbatch 1 is complete\n");
}

BOOST_AUTO_TEST_CASE(a_queue_one_of_whose_tasks_fails_ends_with_that) {
  std::vector<batch> batches = batches_of(2, 500);
  batches[0].documents[5].number = unreadable;
  BOOST_CHECK_THROW(run_queue(batches), px::remote_exception);
}

BOOST_AUTO_TEST_CASE(when_things_break) {
  own_folder const here;
  std::vector<std::string> const files{"one", "broken", "three"};
  std::string told;
  {
    printed err(std::cerr);
    //[
    px::stop_on_signals();  // Ctrl-C: finish what runs, then end; once more: end now

    auto results = px::pmap(convert, files,
                            {.retries = 2,
                             .backoff = 100ms,
                             .task_timeout = 30s,
                             .memory_limit = std::size_t{1} << 30,
                             .limits = {.niceness = 10, .recycle_after_tasks = 10'000},
                             .save_failures = "failed",
                             .log = [](px::log_line const& l) { std::clog << "task " << *l.task << ": " << l.text << '\n'; }});
    for (auto const& o : results.outcomes())
      if (!o) std::cerr << px::describe(o.error());
    //]
    told = err.text();
  }
  BOOST_TEST(told.find("it is broken") != std::string::npos);
  std::vector<std::filesystem::path> saved;
  for (auto const& file : std::filesystem::directory_iterator("failed")) saved.push_back(file.path());
  BOOST_REQUIRE(saved.size() == 1u);
  std::string const again = output_of(PROCX_TEST_SUPPORT "/tutorial_replay '" + saved[0].string() + "' 2>&1");
  BOOST_TEST(again.find("it is broken") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(on_your_own_event_loop) {
  asio::io_context io;
  int sum = 0;
  asio::co_spawn(io, sum_up(sum), asio::detached);
  io.run();
  BOOST_TEST(sum == 88);
}

BOOST_AUTO_TEST_SUITE_END()
