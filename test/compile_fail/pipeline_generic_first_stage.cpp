// expect: procx: the first stage of a pipeline must be a function of one signature: its parameter says what is fed
#include <procx/procx.hpp>

int main() {
  auto p = procx::pipeline().add_task([](auto n) { return n; });
  p.start();
}
