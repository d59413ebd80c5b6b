#define BOOST_TEST_MODULE orphans
#include "support/processes.hpp"

#include <procx/channel/start.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace px = procx;
using namespace processes;

BOOST_AUTO_TEST_SUITE(orphans)

BOOST_AUTO_TEST_CASE(whatever_way_they_were_created_they_die_with_their_parent) {
  own_pipe out;
  pid_t const parent = ::fork();
  if (parent == 0) {
    ::dup2(out.write.get(), STDOUT_FILENO);
    out.write.close();
    out.read.close();
    char const* const program = PROCX_TEST_SUPPORT "/parent_of_several";
    ::execl(program, program, nullptr);
    ::_exit(127);
  }
  out.write.close();
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const lines(::fdopen(::dup(out.read.get()), "r"), std::fclose);
  std::vector<own_fd> ends;
  for (char line[64]; std::fgets(line, sizeof line, lines.get()) && line[0] != '\n';)
    ends.push_back(pidfd_of(std::atoi(line)));
  BOOST_TEST(ends.size() == 6u);
  for (own_fd const& end : ends) {
    BOOST_REQUIRE(end.get() >= 0);
    BOOST_TEST(!readable(end.get(), std::chrono::milliseconds(0)));
  }
  ::kill(parent, SIGKILL);
  for (own_fd const& end : ends) BOOST_TEST(readable(end.get()));
  BOOST_TEST(std::fgetc(lines.get()) == EOF);  // nobody holds the pipe any more
  ::waitpid(parent, nullptr, 0);
}

BOOST_AUTO_TEST_CASE(one_that_waits_for_a_value_ends_in_good_order_when_its_creator_is_gone) {
  own_pipe result;
  BOOST_TEST(code_of_fork([&] {
    // From a thread, which ends before it: nothing but the channel ties the process to its creator.
    std::unique_ptr<px::channel> ch;
    std::thread([&] {
      ch = std::make_unique<px::channel>(px::start([&](px::channel& up) {
        try {
          up.receive<int>();
        } catch (px::end_of_channel const&) {
          if (::write(result.write.get(), "ended", 5) != 5) ::_exit(1);
        }
      }));
    }).join();
    return 0;
  }) == 0);
  result.write.close();
  BOOST_TEST(read_all(result.read.get()) == "ended");
}

BOOST_AUTO_TEST_SUITE_END()
