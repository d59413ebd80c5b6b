// Stashes with a factory: the plain one, and the robust one.
#define BOOST_TEST_MODULE multi_process_factory_stash
#include "support/number_factory.hpp"
#include "support/observe.hpp"
#include "support/scratch.hpp"

#include <procx/procx.hpp>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace px = procx;
namespace fs = std::filesystem;
namespace data = boost::unit_test::data;
using namespace std::chrono_literals;

namespace {

template <class Stash>
struct over_memory {
  explicit over_memory(std::unique_ptr<number_factory> factory, px::stash_options const& options = {.workers = 2})
      : source(*factory),
        store(new px::dictionary_stash<int>()),
        stash(std::unique_ptr<px::stash<int>>(store), std::move(factory), options) {}
  number_factory& source;
  px::stash<int>* store;
  Stash stash;
};
using plain = over_memory<px::multi_process_factory_stash<int>>;
using robust = over_memory<px::multi_process_robust_stash<int>>;

/// Each in a way of its own.
int dies_at_2_and_7(int n) {
  if (n == 2) ::raise(SIGKILL);
  if (n == 7) std::_Exit(3);
  return n * n;
}

bool all_squares(px::stash<int>& s) {
  for (auto const& [key, value] : s)
    if (value != std::stoi(key) * std::stoi(key)) return false;
  return true;
}

auto const chunk_sizes = data::make({std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{100}});

}  // namespace

BOOST_FIXTURE_TEST_SUITE(factories, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(what_computes_first_and_what_does_not) {
  plain s(std::make_unique<number_factory>(9));
  BOOST_TEST(!s.stash.exists("3"));
  BOOST_TEST(!s.stash.erase("3"));
  s.stash.dump("4", -4);
  BOOST_TEST(s.source.computations() == 0);
  BOOST_TEST(s.stash.load("3").value() == 9);
  BOOST_TEST(s.source.computations() == 8);
  BOOST_TEST(s.source.count(4) == 0);  // it had a value
  BOOST_TEST(s.stash.at("4") == -4);
  BOOST_TEST(!s.stash.load("nine"));
  BOOST_TEST(s.stash.size() == 9u);
  BOOST_TEST(s.stash.computed() == 8u);
  BOOST_TEST(s.source.computations() == 8);
}

BOOST_AUTO_TEST_CASE(each_way_to_ask_computes) {
  std::vector<std::function<void(px::multi_process_factory_stash<int>&)>> const ways{
      [](auto& s) { BOOST_TEST(s.get("2", 0) == 4); },
      [](auto& s) { BOOST_TEST(s.at("2") == 4); },
      [](auto& s) { BOOST_TEST(s.keys().size() == 5u); },
      [](auto& s) { BOOST_TEST(s.size() == 5u); },
      [](auto& s) { BOOST_TEST(!s.empty()); },
      [](auto& s) { BOOST_TEST(std::ranges::distance(s.begin(), s.end()) == 5); },
      [](auto& s) { s.prime(); },
  };
  for (auto const& ask : ways) {
    plain s(std::make_unique<number_factory>(5));
    ask(s.stash);
    BOOST_TEST(s.source.computations() == 5);
  }
}

BOOST_DATA_TEST_CASE(whatever_the_size_of_chunks_each_key_is_computed_once, chunk_sizes* data::make({1, 2, 5}), size, workers) {
  robust s(std::make_unique<number_factory>(31), {.workers = workers, .chunk_size = size});
  BOOST_TEST(s.stash.size() == 31u);
  BOOST_TEST(all_squares(s.stash));
  for (int i = 0; i < 31; ++i) BOOST_TEST(s.source.count(i) == 1);
}

BOOST_AUTO_TEST_CASE(no_keys_are_no_values) {
  robust s(std::make_unique<number_factory>(0));
  BOOST_TEST(s.stash.size() == 0u);
  BOOST_TEST(s.stash.failures().empty());
  BOOST_TEST(s.stash.reprocess_failures().empty());
}

BOOST_AUTO_TEST_CASE(a_key_that_comes_twice_is_computed_once) {
  struct doubled : number_factory {
    using number_factory::number_factory;
    std::vector<std::string> keys() const override {
      auto all = number_factory::keys();
      all.insert(all.end(), {"1", "2"});
      return all;
    }
  };
  robust s(std::make_unique<doubled>(4));
  BOOST_TEST(s.stash.size() == 4u);
  BOOST_TEST(s.source.computations() == 4);
}

BOOST_DATA_TEST_CASE(a_failure_is_thrown_after_all_else_was_stored_and_tried_again, chunk_sizes, size) {
  plain s(std::make_unique<number_factory>(9, fails_at_2_and_7), {.workers = 2, .chunk_size = size});
  for (int round = 1; round <= 2; ++round) {
    BOOST_CHECK_EXCEPTION(s.stash.size(), px::remote_exception,
                          [](auto const& e) { return e.type_name() == "std::range_error" && e.message().starts_with("no "); });
    BOOST_TEST(s.store->size() == 7u);
    BOOST_TEST(s.source.count(2) == round);
    BOOST_TEST(s.source.count(3) == 1);
  }
  s.source.make = [](int n) { return n * n; };
  BOOST_TEST(s.stash.size() == 9u);
  BOOST_TEST(s.stash.computed() == 9u);
}

BOOST_DATA_TEST_CASE(a_robust_stash_keeps_failures_and_goes_on, chunk_sizes, size) {
  robust s(std::make_unique<number_factory>(9, fails_at_2_and_7), {.workers = 2, .chunk_size = size});
  BOOST_TEST(s.stash.size() == 7u);
  auto const failures = s.stash.failures();
  BOOST_TEST((keys_of(failures) == strings{"2", "7"}));
  BOOST_TEST(failures.at("7").type_name == "std::range_error");
  BOOST_TEST(failures.at("7").message == "no 7");
  BOOST_TEST(!s.stash.load("2"));
  s.stash.invalidate();
  BOOST_TEST(s.stash.size() == 7u);
  BOOST_TEST(s.source.count(2) == 1);  // not before it is asked for
  BOOST_TEST(s.stash.computed() == 7u);

  s.source.make = [](int n) { return n == 2 ? throw std::range_error("still") : n * n; };
  BOOST_TEST((s.stash.reprocess_failures() == strings{"7"}));
  BOOST_TEST(s.stash.at("7") == 49);
  BOOST_TEST(s.stash.failures().at("2").message == "still");
  s.source.make = [](int n) { return n * n; };
  BOOST_TEST((s.stash.reprocess_failures() == strings{"2"}));
  BOOST_TEST(s.stash.failures().empty());
  BOOST_TEST(s.stash.size() == 9u);
  BOOST_TEST(s.stash.computed() == 9u);
}

BOOST_DATA_TEST_CASE(a_crash_costs_its_key_and_no_other, chunk_sizes, size) {
  robust s(std::make_unique<number_factory>(20, dies_at_2_and_7), {.workers = 2, .chunk_size = size});
  BOOST_TEST(s.stash.size() == 18u);
  BOOST_TEST(all_squares(s.stash));
  auto const failures = s.stash.failures();
  BOOST_TEST((keys_of(failures) == strings{"2", "7"}));
  BOOST_TEST(failures.at("2").type_name == "procx::v1::process_died");
  BOOST_TEST(failures.at("2").message.find("SIGKILL") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_key_that_takes_too_long_has_failed) {
  robust s(std::make_unique<number_factory>(6, [](int n) { return n == 3 ? ::pause() : n * n; }), {.workers = 2, .task_timeout = 1s});
  BOOST_TEST(s.stash.size() == 5u);
  BOOST_TEST(s.stash.failures().at("3").type_name == "procx::v1::task_timeout");
}

BOOST_AUTO_TEST_CASE(unprotected_work_ends_with_the_first_failure) {
  auto const fails_at_once = [](int n) { return n == 0 ? throw std::range_error("first") : (::usleep(1000), n * n); };
  robust s(std::make_unique<number_factory>(10'000, fails_at_once), {.workers = 2, .protect_work = false});
  BOOST_CHECK_THROW(s.stash.size(), px::remote_exception);
  BOOST_TEST(s.source.computations() < 5'000);
  BOOST_TEST(s.stash.failures().empty());
}

BOOST_AUTO_TEST_CASE(all_that_is_done_here_is_done_in_this_process) {
  pid_t const here = ::getpid();
  robust s(std::make_unique<number_factory>(5, [=](int n) { return ::getpid() == here ? n * n : -1; }), {.workers = px::here});
  BOOST_TEST(s.stash.size() == 5u);
  BOOST_TEST(all_squares(s.stash));
}

BOOST_AUTO_TEST_CASE(clearing_clears_the_factory_too_and_all_is_computed_again) {
  robust s(std::make_unique<number_factory>(9, fails_at_2_and_7));
  s.stash.prime();
  s.stash.clear();
  BOOST_TEST(s.source.cleared == 1);
  BOOST_TEST(s.store->empty());
  BOOST_TEST(s.stash.failures().empty());
  s.source.make = [](int n) { return n * n; };
  BOOST_TEST(s.stash.size() == 9u);
}

BOOST_AUTO_TEST_CASE(what_others_took_away_is_missed_after_invalidate) {
  robust s(std::make_unique<number_factory>(9));
  s.stash.prime();
  s.store->erase("5");
  BOOST_TEST(s.stash.size() == 8u);
  s.stash.invalidate();
  BOOST_TEST(s.stash.at("5") == 25);
  BOOST_TEST(s.source.computations() == 10);
}

BOOST_AUTO_TEST_CASE(the_factory_may_not_use_the_stash_itself) {
  px::multi_process_robust_stash<int>* self = nullptr;
  robust s(std::make_unique<number_factory>(3, [&](int n) { return n == 1 ? self->at("0") : n; }));
  self = &s.stash;
  BOOST_TEST(s.stash.size() == 2u);
  BOOST_TEST(s.stash.failures().at("1").type_name == "procx::v1::sequence_error");
  robust here(std::make_unique<number_factory>(3, [&](int n) { return n == 1 ? self->at("0") : n; }), {.workers = px::here});
  self = &here.stash;
  BOOST_TEST(here.stash.failures().empty());
  BOOST_TEST(here.stash.size() == 2u);
  BOOST_TEST(here.stash.failures().at("1").type_name == "procx::v1::sequence_error");
}

BOOST_AUTO_TEST_CASE(threads_that_ask_at_once_have_it_computed_once) {
  robust s(std::make_unique<number_factory>(50));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      if (s.stash.at(std::to_string(t)) != t * t) throw std::logic_error("a wrong value");
    });
  for (auto& t : threads) t.join();
  BOOST_TEST(s.source.computations() == 50);
}

BOOST_AUTO_TEST_CASE(without_a_store_or_a_factory_there_is_no_stash) {
  BOOST_CHECK_THROW(px::multi_process_robust_stash<int>(nullptr, std::make_unique<number_factory>(1)), std::invalid_argument);
  auto memory = std::make_unique<px::dictionary_stash<int>>();
  BOOST_CHECK_THROW(px::multi_process_factory_stash<int>(std::move(memory), nullptr), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_store_that_fails_ends_computing_with_its_error) {
  struct full final : px::byte_store {
    found get(px::record_kind, std::string const&, std::vector<std::byte>&) override { return found::nothing; }
    void put(std::span<record const>) override {
      throw px::stash_error(boost::system::errc::make_error_code(boost::system::errc::no_space_on_device), "/full", "no space");
    }
    bool erase(px::record_kind, std::string const&) override { return false; }
    bool exists(px::record_kind, std::string const&) override { return false; }
    std::vector<std::string> keys(px::record_kind) override { return {}; }
    std::size_t count(px::record_kind) override { return 0; }
    void clear() override {}
  };
  auto below = std::make_unique<px::stash<int>>(std::make_unique<full>());
  px::multi_process_robust_stash<int> s(std::move(below), std::make_unique<number_factory>(100'000), {.workers = 2});
  BOOST_CHECK_EXCEPTION(s.prime(), px::stash_error,
                        [](auto const& e) { return e.code() == boost::system::errc::no_space_on_device; });
}

BOOST_AUTO_TEST_CASE(a_damaged_value_is_computed_again_when_it_is_loaded) {
  scratch_directory scratch;
  for (int round = 0; round < 2; ++round) {
    auto factory = std::make_unique<number_factory>(3);
    number_factory& source = *factory;
    auto store = std::make_unique<px::directory_stash<int>>(scratch.path / "s");
    px::multi_process_robust_stash<int> s(std::move(store), std::move(factory), {.workers = 1});
    BOOST_TEST(s.size() == 3u);
    BOOST_TEST(all_squares(s));
    BOOST_TEST(source.computations() == (round ? 1 : 3));
    for (auto const& entry : fs::recursive_directory_iterator(scratch.path)) {
      if (entry.path().filename() != "1.value") continue;
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(-1, std::ios::end);
      file.put('\x7f');
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
