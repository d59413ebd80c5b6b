// expect: procx: a pointer to a member cannot travel to a running process; use a lambda that takes the object
#include <procx/procx.hpp>

struct server {
  int handle(int request) const { return request; }
};
int run(procx::process_pool& pool, server const& s) { return pool.submit(&server::handle, s, 1).get(); }
