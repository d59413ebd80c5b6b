// Each piece of C++ in README.md and docs/*.md is a piece of a program beside this file, which is built and run: `README.md`
// has its pieces in readme.cpp, `docs/<page>.md` in <page>.cpp, each between the lines //[ and //]. Whole programs are
// test/support/<page>_<program>.cpp, which the former run.
#define BOOST_TEST_MODULE pages
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fs = std::filesystem;

namespace {

std::size_t indentation(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }

/// Moved to the left margin; without empty lines, so that a formatter is free to add some.
std::string moved_left(std::vector<std::string> const& lines) {
  std::size_t least = ~std::size_t{0};
  for (std::string const& line : lines)
    if (!line.empty()) least = std::min(least, indentation(line));
  std::string text;
  for (std::string const& line : lines)
    if (!line.empty()) text += line.substr(least) + '\n';
  return text;
}

/// What stands between lines that are `begin` and `end`, apart from their indentation.
std::vector<std::string> pieces(fs::path const& file, std::string_view begin, std::string_view end) {
  std::vector<std::string> all, lines;
  std::ifstream in(file);
  BOOST_REQUIRE_MESSAGE(in, "cannot read " << file << ", from the folder of the checkout");
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    std::string_view const text = std::string_view(line).substr(indentation(line));
    if (!inside && text == begin) {
      inside = true;
      lines.clear();
    } else if (inside && text == end) {
      inside = false;
      all.push_back(moved_left(lines));
    } else if (inside) {
      lines.push_back(line);
    }
  }
  BOOST_TEST(!inside, file << " has a piece without an end");
  return all;
}

std::vector<std::string> code_of(fs::path const& page) { return pieces(page, "```cpp", "```"); }

/// What the programs of a page run of it.
std::vector<std::string> run_of(std::string const& name) {
  std::vector<std::string> all = pieces("test/docs/" + name + ".cpp", "//[", "//]");
  for (auto const& program : fs::directory_iterator("test/support"))
    if (program.path().filename().string().starts_with(name + '_'))
      for (std::string& code : pieces(program.path(), "//[", "//]")) all.push_back(std::move(code));
  return all;
}

void check_page(fs::path const& page, std::string const& name) {
  std::vector<std::string> const shown = code_of(page), run = run_of(name);
  BOOST_TEST(!shown.empty());
  for (std::string const& code : shown)
    BOOST_TEST(std::ranges::count(run, code) > 0, "in " << page << ", and nobody runs it:\n" << code);
  for (std::string const& code : run)
    BOOST_TEST(std::ranges::count(shown, code) > 0, "run, and not in " << page << ":\n" << code);
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_the_readme_shows_is_run) { check_page("README.md", "readme"); }

BOOST_AUTO_TEST_CASE(what_the_pages_show_is_run) {
  int with_code = 0;
  for (auto const& page : fs::directory_iterator("docs")) {
    if (page.path().extension() != ".md" || code_of(page.path()).empty()) continue;
    ++with_code;
    check_page(page.path(), page.path().stem().string());
  }
  BOOST_TEST(with_code > 0);
}
