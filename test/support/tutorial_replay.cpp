// docs/tutorial.md: a task that failed is run again.
#include <procx/procx.hpp>

#include <stdexcept>
#include <string>

namespace px = procx;

namespace {

std::string convert(std::string const& file) {
  if (file == "broken") throw std::runtime_error("it is broken");
  return file + " converted";
}

}  // namespace

//[
int main(int, char** argv) { px::replay(argv[1], convert); }
//]
