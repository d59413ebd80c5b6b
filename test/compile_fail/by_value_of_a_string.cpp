// expect: procx::by_value: what this lambda captured is more than its bytes (a std::string, a std::vector); pass it as an argument
#include <procx/wire/travel.hpp>

#include <string>

auto travelling(std::string name) {
  return procx::by_value([name] { return name.size(); });
}
