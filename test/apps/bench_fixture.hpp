#pragma once

#include "apps/program.hpp"

inline ended bench(std::vector<std::string> const& args) {
  std::vector<std::string> all{PROCX_TEST_SUPPORT "/procx-bench", "--quick", "--rounds", "1"};
  all.insert(all.end(), args.begin(), args.end());
  return program(all).wait();
}

inline bool contains(std::string const& text, std::string const& part) { return text.find(part) != text.npos; }
