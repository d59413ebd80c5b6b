// expect: procx: member 1 of a struct: a class that can be neither copied nor moved (a mutex, an atomic) cannot be sent; keep it out of what is sent
#include <procx/procx.hpp>

#include <mutex>

struct shared {
  std::mutex mutex;
  int number = 0;
};
int number_of(shared const& s) { return s.number; }
int run(procx::process_pool& pool, shared const& s) { return pool.submit(number_of, s).get(); }
