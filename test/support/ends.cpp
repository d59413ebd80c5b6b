// A program with handlers and objects that do something when it ends: ends WAY HOW makes a process in that way, which ends
// in that manner. On stdout, a line each: what the process had printed, how it ended ('status 3'), and then, by whom it was
// run, each handler and destructor ('atexit here').

#include <procx/channel/start.hpp>
#include <procx/pool/pmap.hpp>
#include <procx/pool/process_pool.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>

#include <err.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace px = procx;

namespace {

int const output = ::fcntl(STDOUT_FILENO, F_DUPFD, 100);  // whatever a process's standard output is
pid_t const program = ::getpid();

void tell(std::string const& line) {
  if (::write(output, (line + '\n').data(), line.size() + 1) < 0) ::_exit(99);
}
void tell_who(char const* what) { tell(std::string(what) + (::getpid() == program ? " here" : " elsewhere")); }

template <int Number>
struct tells {
  char const* name;
  ~tells() { tell_who(name); }
};
tells<0> const object{"static"};
thread_local tells<1> const of_thread{"thread_local"};

std::string how;
int returned = -1;  // from main

void end_somehow() {
  std::printf("%s", "printed ");
  std::cout << "streamed ";
  if (how == "exit") std::exit(3);
  if (how == "zero") std::exit(0);
  if (how == "quick_exit") std::quick_exit(3);
  if (how == "errx") ::errx(3, "the C library's own way");
  if (how == "thread") std::thread([] { std::exit(3); }).join();
  if (how == "terminate") std::thread([] { throw 1; }).join();
  if (how == "grandchild") {
    pid_t const child = ::fork();
    if (child == 0) std::exit(3);
    int status = 0;
    ::waitpid(child, &status, 0);
    std::exit(WEXITSTATUS(status));
  }
  returned = 3;
}

void tell_status(px::exit_status const& s) {
  std::ostringstream text;
  text << s;
  tell("it " + text.str());
}

void tell_error(std::exception_ptr const& error) {
  try {
    std::rethrow_exception(error);
  } catch (px::process_died const& e) {
    tell_status(e.status());
  } catch (std::exception const& e) {
    tell(e.what());
  }
}

void end_task(px::channel&) { end_somehow(); }
void end_clean(px::channel&, std::string const& manner) {
  how = manner;
  end_somehow();
}

void end_in_task(px::pool_options options) {
  options.workers = 1;
  px::process_pool pool(options);
  try {
    pool.submit(px::by_value([](int i) { end_somehow(); return i; }), 1).get();
  } catch (...) {
    tell_error(std::current_exception());
  }
}

void use_and_stop(px::pool_options options) {
  options.workers = 1;
  px::process_pool pool(options);
  try {
    pool.submit([](int i) { return i; }, 1).get();
  } catch (...) {
    tell_error(std::current_exception());
  }
}

}  // namespace

int main(int, char** argv) {
  std::string const way = argv[1];
  how = argv[2];
  std::atexit([] { tell_who("atexit"); });
  std::at_quick_exit([] { tell_who("at_quick_exit"); });
  ::on_exit([](int, void*) { tell_who("on_exit"); }, nullptr);
  tell(of_thread.name);

  if (way == "start") {
    tell_status(px::start(end_task).wait());
  } else if (way == "beside_threads") {
    px::process_pool const idle({.workers = 1});
    tell_status(px::start(end_task).wait());
  } else if (way == "nursery") {
    px::start_nursery();
    tell_status(px::start(end_task).wait());
  } else if (way == "clean") {
    tell_status(px::start_clean(end_clean, how).wait());
  } else if (way == "create") {
    px::channel c = px::create();
    if (c.pid() == 0) {
      end_somehow();
      return returned;
    }
    tell_status(c.wait());
  } else if (way == "task") {
    end_in_task({});
  } else if (way == "setup") {
    use_and_stop({.setup = end_somehow});
  } else if (way == "teardown") {
    use_and_stop({.teardown = end_somehow});
  }
  return 0;
}
