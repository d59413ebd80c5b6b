#define BOOST_TEST_MODULE replay
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <unistd.h>

namespace px = procx;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

struct directory : observe::leaves_nothing {
  directory() {
    std::string name = "/tmp/procx.replay.XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~directory() { fs::remove_all(path); }

  std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    if (fs::exists(path / "failed"))
      for (auto const& entry : fs::directory_iterator(path / "failed")) all.push_back(entry.path());
    return all;
  }
  fs::path only_file() const {
    auto const all = files();
    BOOST_REQUIRE(all.size() == 1u);
    return all[0];
  }

  fs::path path;
};

template <class Outcomes>
std::string saved_as(Outcomes&& outcomes) {
  std::string name;
  for (auto const& o : outcomes) {
    if (o) continue;
    try {
      o.value();
    } catch (px::task_error const& e) {
      name = e.saved_as();
    }
  }
  return name;
}

int fragile(int n) {
  if (n == 7) throw std::range_error("seven");
  return n * 2;
}

int sum_of(std::string const& text, std::vector<int> const& numbers) {
  if (text == "die") ::raise(SIGKILL);
  return std::accumulate(numbers.begin(), numbers.end(), static_cast<int>(text.size()));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(replays, directory)

BOOST_AUTO_TEST_CASE(what_threw_there_throws_here) {
  auto r = px::pmap(fragile, std::vector<int>{5, 6, 7, 8}, {.workers = 2, .save_failures = path / "failed"});
  std::string const name = saved_as(r.outcomes());
  BOOST_TEST(name == only_file());
  BOOST_CHECK_EXCEPTION(px::replay(name, fragile), std::range_error,
                        [](std::range_error const& e) { return e.what() == std::string("seven"); });
  BOOST_TEST(px::replay(name, [](int n) { return n + 1; }) == 8);
  BOOST_TEST(px::saved_failure(name).find("std::range_error: seven") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_died_there_may_run_here) {
  std::vector<std::tuple<std::string, std::vector<int>>> const inputs{{"live", {1, 2}}, {"die", {3, 4}}};
  auto r = px::pmap(sum_of, inputs, {.workers = 1, .retries = 2, .save_failures = path / "failed"});
  std::string const name = saved_as(r.outcomes());
  BOOST_TEST(name == only_file());  // one, for all its attempts
  BOOST_TEST(px::replay(name, [](std::string text, std::vector<int> numbers) {
               return text + std::to_string(numbers.at(1));
             }) == "die4");
  BOOST_TEST(px::saved_failure(name).find("killed by SIGKILL") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(large_arguments_are_kept_whole) {
  std::vector<std::vector<double>> inputs(3, std::vector<double>(200'000, 1.5));
  inputs[1].back() = 7;
  auto fussy = [](std::vector<double> const& v) {
    if (v.back() == 7) ::abort();
    return v.size();
  };
  auto r = px::pmap(fussy, inputs, {.workers = 2, .save_failures = path / "failed"});
  std::string const name = saved_as(r.outcomes());
  BOOST_TEST(px::replay(name, [](std::vector<double> const& v) { return v == std::vector<double>(v) ? v.back() : 0; }) == 7);
  BOOST_TEST(px::replay(name, [](std::vector<double> v) { return v.size(); }) == 200'000u);
}

BOOST_AUTO_TEST_CASE(of_large_arguments_only_what_was_sent_is_kept) {
  constexpr std::size_t size = (std::size_t{1} << 20) + 100'000;  // in a piece of 2 MiB
  std::vector<std::vector<char>> const texts(1, std::vector<char>(size, 't'));
  auto m = px::pmap([](std::vector<char> const&) -> int { throw std::runtime_error("no"); }, texts,
                    {.workers = 1, .save_failures = path / "failed"});
  BOOST_CHECK_THROW(m[0], px::remote_exception);
  BOOST_TEST(fs::file_size(only_file()) < size + 200'000);
}

BOOST_AUTO_TEST_CASE(calls_of_a_pool_and_a_queue_are_kept_too) {
  {
    px::process_pool pool({.workers = 1, .save_failures = path / "failed"});
    int captured = 3;
    auto travelling = px::by_value([captured](std::string const& text) -> int {
      throw std::runtime_error(text + std::to_string(captured));
    });
    auto failed = pool.submit(travelling, "call ");
    BOOST_CHECK_THROW(failed.get(), px::remote_exception);
    auto const inherited = pool.add([&](int a, int b) -> int { throw std::runtime_error(std::to_string(a + b + captured)); });
    auto failed_too = pool.submit(inherited, 4, 5);
    BOOST_CHECK_THROW(failed_too.get(), px::remote_exception);
  }
  auto const files_of_pool = files();
  BOOST_TEST(files_of_pool.size() == 2u);
  int found = 0;
  for (fs::path const& file : files_of_pool) {
    if (px::saved_failure(file).find("call 3") != std::string::npos)
      found += px::replay(file, [](std::string const& text) { return text == "call " ? 1 : 0; });
    else
      found += px::replay(file, [](int a, int b) { return a == 4 && b == 5 ? 10 : 0; });
  }
  BOOST_TEST(found == 11);

  px::parallel_single_task_queue queue([](int n) -> int { throw std::runtime_error(std::to_string(n)); },
                                       {.workers = 1, .save_failures = path / "failed"});
  queue.put(12);
  std::string name;
  try {
    queue.get();
  } catch (px::task_error const& e) {
    name = e.saved_as();
  }
  BOOST_TEST(px::replay(name, [](int n) { return n; }) == 12);
}

BOOST_AUTO_TEST_CASE(elements_that_are_pairs_can_be_replayed) {
  std::vector<std::pair<char, double>> const inputs{{'a', 2.5}};
  auto r = px::pmap([](char c, double d) -> int { throw std::runtime_error(std::to_string(c + d)); }, inputs,
                    {.workers = 1, .save_failures = path / "failed"});
  BOOST_TEST(px::replay(saved_as(r.outcomes()), [](char c, double d) { return c == 'a' ? d : 0; }) == 2.5);
}

BOOST_AUTO_TEST_CASE(arguments_arrive_as_the_parameters_ask_for_here_too) {
  px::process_pool pool({.workers = 1, .save_failures = path / "failed"});
  auto const fails = [](px::view<double> in, char const* name) -> std::size_t {
    if (in.size() == 3) throw std::runtime_error(name);
    return in.size();
  };
  BOOST_CHECK_THROW(pool.submit(fails, std::vector<double>(3, 1.5), "a name").get(), px::remote_exception);
  fs::path const file = only_file();
  BOOST_CHECK_EXCEPTION(px::replay(file, fails), std::runtime_error,
                        [](std::runtime_error const& e) { return e.what() == std::string("a name"); });
  BOOST_TEST((px::replay<px::view<double>, std::string>(file, [](px::view<double> in, std::string const& name) {
                return in.size() + name.size();
              }) == 9u));
}

BOOST_AUTO_TEST_CASE(the_types_must_be_those_that_were_sent) {
  auto r = px::pmap([](double x) -> int { throw std::runtime_error(std::to_string(x)); }, std::vector<int>{4},
                    {.workers = 1, .save_failures = path / "failed"});
  std::string const name = saved_as(r.outcomes());
  auto half = [](double x) { return x / 2; };
  BOOST_CHECK_EXCEPTION(px::replay(name, half), std::invalid_argument,
                        [](std::exception const& e) { return std::string(e.what()).find("was given int") != std::string::npos; });
  BOOST_TEST(px::replay<int>(name, half) == 2.0);
  BOOST_TEST(px::replay<int>(name, [](auto x) { return sizeof x; }) == sizeof(int));
}

BOOST_AUTO_TEST_CASE(a_task_that_returns_nothing_can_be_replayed) {
  int calls = 0;
  auto r = px::pmap([](int) { throw 5; }, std::vector<int>{4}, {.workers = 1, .save_failures = path / "failed"});
  px::replay(saved_as(r.outcomes()), [&](int n) { calls += n; });
  BOOST_TEST(calls == 4);
}

BOOST_AUTO_TEST_CASE(timeouts_are_kept_and_cancelled_tasks_are_not) {
  auto r = px::pmap([](int n) { return n == 1 ? ::pause() : n; }, std::vector<int>{0, 1, 2},
                    {.workers = 1, .task_timeout = 50ms, .save_failures = path / "failed"});
  std::string const name = saved_as(r.outcomes());
  BOOST_TEST(name == only_file());
  {
    px::process_pool pool({.workers = 1, .save_failures = path / "failed"});
    auto waiting = pool.submit([](int) { return ::pause(); }, 1);
    pool.stop();
    BOOST_CHECK_THROW(waiting.get(), px::task_cancelled);
  }
  BOOST_TEST(files().size() == 1u);
}

BOOST_AUTO_TEST_CASE(where_nothing_can_be_written_the_error_comes_all_the_same) {
  std::ofstream(path / "failed") << "a file, not a directory";
  auto r = px::pmap(fragile, std::vector<int>{7}, {.workers = 1, .save_failures = path / "failed"});
  BOOST_TEST(saved_as(r.outcomes()).empty());
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_saved_task_is_refused) {
  auto const write = [&](std::string const& text) {
    std::ofstream(path / "x", std::ios::trunc) << text;
    return path / "x";
  };
  BOOST_CHECK_THROW(px::replay(path / "nothing", fragile), std::system_error);
  BOOST_CHECK_THROW(px::replay(write(""), fragile), px::protocol_error);
  BOOST_CHECK_THROW(px::replay(write("hello\n"), fragile), px::protocol_error);
  BOOST_CHECK_THROW(px::replay(write("procx task 1\nrubbish"), fragile), px::protocol_error);
  BOOST_CHECK_THROW(px::replay(write("procx task 1\n" + std::string(400, '\xff')), fragile), px::protocol_error);
}

BOOST_AUTO_TEST_SUITE_END()
