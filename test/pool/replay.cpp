#define BOOST_TEST_MODULE replay
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <sys/resource.h>
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

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_is_refused_at_the_beginning) {
  std::ofstream(path / "failed") << "a file, not a directory";
  for (fs::path const& impossible : {path / "failed", fs::path("/proc/nowhere/failed")}) {
    BOOST_CHECK_THROW(static_cast<void>(px::pmap(fragile, std::vector<int>{7}, {.workers = 1, .save_failures = impossible})),
                      fs::filesystem_error);
    BOOST_CHECK_THROW(px::process_pool({.workers = 1, .save_failures = impossible}), fs::filesystem_error);
    BOOST_CHECK_THROW(px::parallel_queue<int>({.workers = 1, .save_failures = impossible}), fs::filesystem_error);
  }
}

/// How often the error and the log say that the arguments of these tasks were not saved.
struct told {
  int errors = 0, descriptions = 0, lines = 0, failures = 0;

  /// `spoil` is called when the directory has been tried, and nothing saved.
  void look(px::pmap_options options, std::function<void()> const& spoil) {
    options.log = [this](px::log_line const& l) { lines += l.text.find("could not be saved") != l.text.npos && l.task; };
    std::vector<std::string> const inputs(3, std::string(200'000, 'x'));
    auto r = px::pmap([](std::string const& text) -> int { throw std::runtime_error(text.substr(0, 3)); }, inputs, options);
    spoil();
    for (auto const& o : r.outcomes()) {
      ++failures;
      try {
        o.value();
      } catch (px::remote_exception const& e) {
        errors += e.saved_as().empty() && !e.not_saved_because().empty() &&
                  std::string(e.what()).find(e.not_saved_because()) != std::string::npos;
        descriptions += px::describe(e).find(e.not_saved_because()) != std::string::npos;
      }
    }
  }
  bool each() const { return failures == 3 && errors == 3 && descriptions == 3 && lines == 3; }
};

BOOST_AUTO_TEST_CASE(what_cannot_be_saved_is_said_in_the_error_and_the_log) {
  told t;
  t.look({.workers = 1, .save_failures = path / "failed"}, [&] {
    fs::remove_all(path / "failed");
    std::ofstream(path / "failed") << "no directory any more";
  });
  BOOST_TEST(t.each());
}

BOOST_AUTO_TEST_CASE(a_limit_of_the_size_of_files_does_not_kill_the_program) {
  BOOST_TEST(processes::code_of_fork([&] {
               rlimit const small{16384, RLIM_INFINITY};
               ::setrlimit(RLIMIT_FSIZE, &small);
               told t;
               t.look({.workers = 1, .save_failures = path / "failed"}, [] {});
               return t.each() ? 0 : 1;
             }) == 0);
  BOOST_TEST(files().empty());
}

BOOST_AUTO_TEST_CASE(names_are_those_of_no_other_program) {
  // As another process with the same id would: all names that follow a count are taken.
  fs::create_directory(path / "failed");
  auto const taken = [&](int n) { return path / "failed" / (std::to_string(::getpid()) + '-' + std::to_string(n) + ".task"); };
  for (int n = 0; n < 2000; ++n) std::ofstream(taken(n)) << "another's";
  auto r = px::pmap(fragile, std::vector<int>{7, 7, 7}, {.workers = 1, .save_failures = path / "failed"});
  std::set<std::string> names;
  for (auto const& o : r.outcomes()) try {
      o.value();
    } catch (px::task_error const& e) {
      names.insert(fs::path(e.saved_as()).filename());
    }
  BOOST_TEST(names.size() == 3u);
  for (std::string const& name : names) BOOST_TEST(name.size() > std::to_string(::getpid()).size() + 16, name);
  for (int n = 0; n < 2000; ++n) BOOST_TEST_REQUIRE(fs::file_size(taken(n)) == 9u);
}

BOOST_AUTO_TEST_CASE(tasks_for_which_there_is_no_worker_are_kept_too) {
  auto const no_licence = [] { throw std::runtime_error("no licence"); };
  std::set<int> replayed;
  auto const look = [&](std::exception_ptr const& error) {
    try {
      std::rethrow_exception(error);
    } catch (px::remote_exception const& e) {
      BOOST_TEST(e.message() == "no licence");
      replayed.insert(px::replay(e.saved_as(), [](int n) { return n; }));
    }
  };
  px::process_pool pool({.workers = 1, .save_failures = path / "failed", .setup = no_licence});
  std::vector<std::future<int>> results;
  for (int n : {1, 2, 3}) results.push_back(pool.submit(fragile, n));
  for (auto& result : results) try {
      result.get();
    } catch (...) {
      look(std::current_exception());
    }
  BOOST_TEST((replayed == std::set<int>{1, 2, 3}));
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
