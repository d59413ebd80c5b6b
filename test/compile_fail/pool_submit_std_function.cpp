// expect: procx: a std::function cannot travel to a running process, since nobody knows what it holds; give the function or lambda itself, or have the processes inherit it: auto f = pool.add(function)
#include <procx/procx.hpp>

#include <functional>

int run(procx::process_pool& pool, std::function<int(int)> const& f) { return pool.submit(f, 1).get(); }
