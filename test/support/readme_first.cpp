// The first program of README.md.
#include <cstdlib>

//[
#include <procx/procx.hpp>
#include <iostream>
#include <string>
#include <vector>
namespace px = procx;

int main() {
  std::vector<std::string> words{"some", "words", "and", "a", "trap"};
  auto measure = [](std::string const& word) {
    if (word == "trap") std::abort();  // costs this task, and no other
    return word.size();
  };
  for (auto const& length : px::pmap(measure, words).outcomes())
    std::cout << words[length.index()] << ": " << (length ? std::to_string(*length) : length.what()) << '\n';
}
//]
