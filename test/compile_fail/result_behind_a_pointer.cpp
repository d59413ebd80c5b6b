// expect: procx: what derives from the class is lost on the way; ask for Boost's archive: PROCX_FULL_ARCHIVE of the pointer
#include <procx/procx.hpp>

struct shape {
  virtual ~shape() = default;
};
std::unique_ptr<shape> draw(int);
void run(procx::process_pool& pool) { pool.submit(draw, 1).get(); }
