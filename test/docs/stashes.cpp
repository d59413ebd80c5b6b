#define BOOST_TEST_MODULE stashes
#include "support/scratch.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace px = procx;

namespace {

struct parsed {
  std::size_t letters = 0;
};

//[
struct corpus : px::stash_factory<parsed> {
  std::vector<std::string> keys() const override { return {"emma", "persuasion", "sanditon"}; }
  parsed load(std::string const& title) const override {
    if (title == "sanditon" && !finished) throw std::runtime_error("it was never finished");
    return {title.size()};
  }
  bool finished = false;
};
//]

/// What the page's pieces run in, and what they print.
struct page : scratch_directory {
  page() : before(std::filesystem::current_path()), to(std::cout.rdbuf(text.rdbuf())) { std::filesystem::current_path(path); }
  ~page() {
    std::cout.rdbuf(to);
    std::filesystem::current_path(before);
  }

  std::filesystem::path before;
  std::ostringstream text;
  std::streambuf* to;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_corpus_is_parsed_once, page) {
  for (std::size_t const computed : {2u, 0u}) {
    text.str("");
    //[
    px::multi_process_robust_stash<parsed> books(std::make_unique<px::sqlite_stash<parsed>>("corpus.db", "books"),
                                                 std::make_unique<corpus>(), {.workers = 2});
    for (auto const& [title, book] : books) std::cout << title << ": " << book.letters << '\n';
    for (auto const& [title, why] : books.failures()) std::cout << title << ": " << why.message << '\n';
    //]
    BOOST_TEST(text.str().find("emma: 4\n") != std::string::npos);
    BOOST_TEST(text.str().find("persuasion: 10\n") != std::string::npos);
    BOOST_TEST(text.str().ends_with("sanditon: it was never finished\n"));
    BOOST_TEST(books.computed() == computed);
  }
  auto finished = std::make_unique<corpus>();
  finished->finished = true;
  px::multi_process_robust_stash<parsed> books(std::make_unique<px::sqlite_stash<parsed>>("corpus.db", "books"), std::move(finished));
  BOOST_TEST((books.reprocess_failures() == std::set<std::string>{"sanditon"}));
}

BOOST_FIXTURE_TEST_CASE(letters_are_kept_in_files, page) {
  //[
  px::directory_stash<std::string> letters("letters");
  letters.dump("cassandra", "My dear Cassandra");
  std::cout << letters.get("cassandra", "") << ", " << letters.get("fanny", "nothing") << '\n';
  //]
  BOOST_TEST(text.str() == "My dear Cassandra, nothing\n");
  BOOST_TEST(std::filesystem::exists(path / "letters/procx-stash"));
}
