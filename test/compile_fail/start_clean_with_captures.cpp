// expect: procx: this callable cannot travel to a running process, since it may hold references; pass what it captured as an argument, or have the processes inherit it: auto f = pool.add(lambda)
#include <procx/channel/start.hpp>

#include <string>

procx::channel start(std::string const& name) {
  return procx::start_clean([&name](procx::channel& up) { up.send(name); });
}
