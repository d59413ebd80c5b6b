// procx-bench-mpi: small tasks by Boost.MPI, rank 0 handing them out to all the others. To be started by mpirun:
//
//   procx-bench-mpi COUNT WINDOW
//
// Prints nanoseconds a task, in order, with so many tasks in flight on each worker. A program of its own, because every
// process of a job begins in main.

#include "../small_task.hpp"

#include <boost/mpi.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace bench {

// As MPI's own data types, which is the cheapest way that Boost.MPI has.
template <class Archive>
void serialize(Archive& a, task_argument& t, unsigned) {
  a & t.number & t.factor;
}
template <class Archive>
void serialize(Archive& a, task_result& r, unsigned) {
  a & r.number & r.product;
}

}  // namespace bench

BOOST_IS_MPI_DATATYPE(bench::task_argument)
BOOST_IS_MPI_DATATYPE(bench::task_result)

namespace {

using namespace bench;
namespace mpi = boost::mpi;

enum tag { task_tag, result_tag };
constexpr task_argument end_of_tasks{~std::uint64_t{0}, 0};

void work(mpi::communicator const& world) {
  for (task_argument a;;) {
    world.recv(0, task_tag, a);
    if (a.number == end_of_tasks.number) return;
    world.send(0, result_tag, do_task(a));
  }
}

double hand_out(mpi::communicator const& world, std::size_t count, std::size_t window) {
  std::uint64_t next = 0;
  results_in_order results;
  auto const give = [&](int worker) {
    if (next < count && results.has_room(next)) world.send(worker, task_tag, task_number(next++));
  };
  world.barrier();  // all are there
  stopwatch const time;
  for (std::size_t i = 0; i < window; ++i)
    for (int worker = 1; worker < world.size(); ++worker) give(worker);
  while (results.taken() < count) {
    task_result r;
    mpi::status const from = world.recv(mpi::any_source, result_tag, r);
    results.put(r.number, r);
    results.take();
    give(from.source());
  }
  double const each = time.ns_each(count);
  for (int worker = 1; worker < world.size(); ++worker) world.send(worker, task_tag, end_of_tasks);
  results.sum().check_all(count, true);
  return each;
}

}  // namespace

int main(int argc, char** argv) {
  mpi::environment const environment(argc, argv);
  mpi::communicator const world;
  if (argc != 3 || world.size() < 2) return 2;
  if (world.rank() != 0) {
    world.barrier();
    work(world);
    return 0;
  }
  try {
    std::printf("%f\n", hand_out(world, std::strtoul(argv[1], nullptr, 10), std::strtoul(argv[2], nullptr, 10)));
    return 0;
  } catch (std::exception const& e) {
    std::fprintf(stderr, "procx-bench-mpi: %s\n", e.what());
    mpi::environment::abort(1);
  }
}
