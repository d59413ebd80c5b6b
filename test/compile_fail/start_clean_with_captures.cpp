// expect: procx: this callable cannot travel to a running process, since it may hold references.
#include <procx/channel/start.hpp>

#include <string>

procx::channel start(std::string const& name) {
  return procx::start_clean([&name](procx::channel& up) { up.send(name); });
}
