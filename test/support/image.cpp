// What a program does that was executed with something in its environment: image WHAT, on stdout.

#include <procx/channel/program.hpp>
#include <procx/channel/start.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>

#include <boost/system/system_error.hpp>

#include <unistd.h>

namespace px = procx;

int main(int, char** argv) {
  std::string const what = argv[1];
  if (what == "main") {
    std::printf("main, %s", std::getenv("PROCX_IMAGE") ? "with the variable" : "alone");
  } else if (what == "again") {
    ::execl("/proc/self/exe", argv[0], "main", nullptr);
  } else if (what == "clean") {
    try {
      px::channel c = px::start_clean([](px::channel& up) { up.send(1); });
      std::printf("clean image %d", c.receive<int>());
    } catch (boost::system::system_error const& e) {
      std::printf("%s", e.code() == boost::system::errc::operation_not_permitted ? "not permitted" : e.what());
    }
  } else if (what == "channel") {
    px::channel up = px::parent_channel();
    up.send(1);
  }
}
