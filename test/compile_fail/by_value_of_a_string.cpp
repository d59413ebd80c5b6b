// expect: procx::by_value: only captures that are trivially copyable can be copied as bytes
#include <procx/wire/travel.hpp>

#include <string>

auto travelling(std::string name) {
  return procx::by_value([name] { return name.size(); });
}
