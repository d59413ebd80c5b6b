// The program of docs/daemons.md: a list of words that is loaded once, and asked by any number of programs.
//[
#include <procx/procx.hpp>

#include <algorithm>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace px = procx;

std::vector<std::string> words;  // in the daemon, shared by its workers

void load(std::string const& file) {
  std::ifstream in(file);
  for (std::string word; in >> word;) words.push_back(word);
  std::ranges::sort(words);
}

std::vector<std::string> beginning_with(std::string const& beginning) {
  std::vector<std::string> found;
  for (auto word = std::ranges::lower_bound(words, beginning); word != words.end() && word->starts_with(beginning); ++word)
    found.push_back(*word);
  return found;
}
PROCX_TASK(beginning_with);

int main(int argc, char** argv) try {
  std::vector<std::string> const arguments(argv + 1, argv + argc);
  if (arguments.size() == 3 && arguments[0] == "start") {
    px::start_daemon(arguments[1], {.prepare = [file = arguments[2]] { load(file); }});
  } else if (arguments.size() == 3 && arguments[0] == "run") {
    px::run_daemon(arguments[1], {.prepare = [file = arguments[2]] { load(file); }});
  } else if (arguments.size() == 3 && arguments[0] == "ask") {
    for (std::string const& word : px::connect(arguments[1]).call(beginning_with, arguments[2])) std::cout << word << '\n';
  } else if (arguments.size() == 2 && arguments[0] == "stop") {
    px::stop_daemon(arguments[1]);
  } else {
    std::cerr << "words start ADDRESS FILE | run ADDRESS FILE | ask ADDRESS BEGINNING | stop ADDRESS\n";
    return 2;
  }
} catch (std::exception const& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
//]
