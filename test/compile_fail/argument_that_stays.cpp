// expect: procx: an object that can be neither copied nor moved cannot be an argument or a result of a task; send it in a std::unique_ptr
#include <procx/procx.hpp>

struct rock {
  rock() = default;
  rock(rock const&) = delete;
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};
void run(procx::process_pool& pool, rock const& r) { pool.submit([](rock const&) {}, r).get(); }
