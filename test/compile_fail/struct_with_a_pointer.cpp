// expect: procx: member 2 of a struct: a pointer or reference means nothing in another process; send what it points to
#include <procx/procx.hpp>

struct line {
  std::string name;
  int const* numbers;
};
int first(line const& l) { return *l.numbers; }
int run(procx::process_pool& pool) { return pool.submit(first, line()).get(); }
