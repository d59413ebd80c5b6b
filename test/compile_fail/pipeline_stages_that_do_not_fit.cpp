// expect: procx: a stage of the pipeline cannot be called with what the stage before it makes: both types are named above, in stage_cannot_be_called_with<STAGE, ITEM>
#include <procx/procx.hpp>

#include <string>
#include <vector>

int main() {
  auto p = procx::pipeline().add_task([](int n) { return std::to_string(n); }).add_task([](std::vector<int> const& v) { return v.size(); });
  p.start();
}
