#pragma once

#include "race.hpp"

#include <cstddef>
#include <string>

namespace bench {

/// Small tasks on two workers by Boost.MPI: procx-bench-mpi (see mpi/farm.cpp), started by mpirun. Left out where there
/// is no mpirun or the program is not beside this one.
contender by_mpi(std::string name, std::size_t count, std::size_t window, std::string against = {});

}  // namespace bench
