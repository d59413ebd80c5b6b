// expect: procx: member 1 of a struct: a pointer or reference means nothing in another process
#include <procx/procx.hpp>

struct line {
  int& number;
};
void run(procx::channel& to, line const& l) { to.send(l); }
