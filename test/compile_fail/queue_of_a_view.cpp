// expect: procx: a view, iterator or type_index means nothing in another process
#include <procx/procx.hpp>

std::string_view run() {
  procx::parallel_queue<std::string_view> queue;
  return queue.get();
}
