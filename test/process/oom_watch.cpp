#define BOOST_TEST_MODULE oom_watch
#include "process/resources/oom_watch.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <string>

#include <unistd.h>

using procx::detail::oom_watch;

namespace {

struct counts {
  std::string path = "/tmp/procx.oom.XXXXXX";
  counts() { ::close(::mkstemp(path.data())); }
  ~counts() { ::unlink(path.c_str()); }
  void write(std::string const& text) const { std::ofstream(path) << text; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(oom_watching)

BOOST_AUTO_TEST_CASE(a_count_that_goes_up_is_seen_once) {
  counts group, system;
  group.write("low 0\nhigh 3\nmax 0\noom 4\noom_kill 4\noom_group_kill 9\n");
  system.write("nr_free_pages 17\noom_kill 6\nunevictable 3\n");
  oom_watch watch({group.path, system.path});
  BOOST_TEST(!watch.has_risen());
  group.write("low 0\nhigh 8\nmax 0\noom 5\noom_kill 5\noom_group_kill 9\n");
  BOOST_TEST(watch.has_risen());
  BOOST_TEST(!watch.has_risen());
  system.write("nr_free_pages 2\noom_kill 7\nunevictable 3\n");
  BOOST_TEST(watch.has_risen());
}

BOOST_AUTO_TEST_CASE(other_counts_mean_nothing_and_missing_files_do_no_harm) {
  counts group;
  group.write("oom 4\noom_kill 4\n");
  oom_watch watch({"/nowhere/at/all", group.path, ""});
  group.write("oom 9\noom_kill 4\n");
  BOOST_TEST(!watch.has_risen());
  BOOST_TEST(!oom_watch().has_risen());
}

BOOST_AUTO_TEST_SUITE_END()
