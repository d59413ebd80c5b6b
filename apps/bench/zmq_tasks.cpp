#include "small_task.hpp"
#include "thread_sanitizer.hpp"
#include "zmq_socket.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

/// Names without a file, one for each direction.
struct addresses {
  std::string tasks;
  std::string results;
};

[[noreturn]] void work(addresses const& where) {
  try {
    zmq_context const context;
    zmq_socket tasks(context.get(), ZMQ_PULL, zmq_socket::way::connect, where.tasks);
    zmq_socket results(context.get(), ZMQ_PUSH, zmq_socket::way::connect, where.results);
    results.send(task_result{});  // is there
    for (;;) results.send(do_task(tasks.receive<task_argument>()));
  } catch (std::exception const&) {
    ::_exit(1);
  }
}

/// A worker that is killed in the end: it waits in ZeroMQ, which knows no end of its other side.
class zmq_worker {
 public:
  explicit zmq_worker(addresses const& where) : pid_(static_cast<pid_t>(check_call(::fork(), "fork"))) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    work(where);
  }
  zmq_worker(zmq_worker const&) = delete;
  zmq_worker& operator=(zmq_worker const&) = delete;
  ~zmq_worker() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

}  // namespace

measured zmq_tasks(std::size_t count, std::size_t window) {
  refuse_under_thread_sanitizer("ZeroMQ");
  std::string const name = "ipc://@procx-bench." + std::to_string(::getpid());
  addresses const where{name + ".tasks", name + ".results"};
  std::array<zmq_worker, 2> const workers{zmq_worker(where), zmq_worker(where)};  // before there are threads
  zmq_context const context;
  zmq_socket tasks(context.get(), ZMQ_PUSH, zmq_socket::way::bind, where.tasks);
  zmq_socket results(context.get(), ZMQ_PULL, zmq_socket::way::bind, where.results);
  for (std::size_t i = 0; i < workers.size(); ++i) results.receive<task_result>();

  std::uint64_t next = 0, in_flight = 0;
  results_in_order ordered;
  stopwatch const time;
  while (ordered.taken() < count) {
    for (; next < count && in_flight < window * workers.size() && ordered.has_room(next); ++next, ++in_flight)
      tasks.send(task_number(next));
    auto const r = results.receive<task_result>();
    --in_flight;
    ordered.put(r.number, r);
    ordered.take();
  }
  double const each = time.ns_each(count);
  ordered.sum().check_all(count, true);
  return {each};
}

}  // namespace bench
