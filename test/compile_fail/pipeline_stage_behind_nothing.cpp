// expect: procx: a stage of the pipeline that returns nothing has another one behind it
#include <procx/procx.hpp>

int main() {
  auto p = procx::pipeline().add_task([](int) {}).add_task([](int n) { return n; });
  p.start();
}
