#define BOOST_TEST_MODULE pmap_confined
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace {

constexpr std::size_t MiB = std::size_t{1} << 20;

/// How a program ends that has so much of something.
int code_of(std::vector<std::string> const& command, __rlimit_resource resource, std::size_t amount) {
  std::vector<char*> arguments;
  for (std::string const& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  return processes::code_of_fork([&] {
    ::alarm(120);  // under valgrind on a busy machine it takes its time
    rlimit const limit{amount, amount};
    CHILD_CHECK(::setrlimit(resource, &limit) == 0);
    ::execvp(arguments[0], arguments.data());
    return 127;
  });
}

std::string const small_pmap = PROCX_TEST_SUPPORT "/small_pmap";

bool has_valgrind() { return ::access("/usr/bin/valgrind", X_OK) == 0; }

}  // namespace

BOOST_AUTO_TEST_SUITE(pmap_confined, *boost::unit_test::enable_if<!observe::instrumented>())

// It notes for each byte that may be touched what is known of it, and its leak check reads them all.
BOOST_AUTO_TEST_CASE(valgrind_has_little_memory_to_look_after) {
  if (!has_valgrind()) {
    BOOST_TEST_MESSAGE("valgrind is not installed: passed over");
    return;
  }
  std::vector<std::string> const command{"valgrind", "-q", "--error-exitcode=1", "--leak-check=summary", small_pmap};
  BOOST_TEST(code_of(command, RLIMIT_DATA, 2048 * MiB) == 0);
}

BOOST_AUTO_TEST_CASE(a_program_with_little_address_space_works) {
  for (std::size_t const amount : {100 * MiB, 300 * MiB, 2048 * MiB, 100'000 * MiB})
    BOOST_TEST_CONTEXT(amount / MiB << " MiB") BOOST_TEST(code_of({small_pmap}, RLIMIT_AS, amount) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
