#define BOOST_TEST_MODULE index_concurrent
#include "apps/index_under_way.hpp"

BOOST_FIXTURE_TEST_SUITE(index_concurrent, build_under_way)

BOOST_AUTO_TEST_CASE(a_second_build_of_the_same_index_is_refused) {
  build->signal_all(SIGSTOP);
  ended const second = on.run(on.build_arguments());
  BOOST_TEST(second.code == 3);
  fs::path const link = on.home() / "link";
  fs::create_symlink(on.index(), link);
  BOOST_TEST(on.run(on.build_arguments({}, link)).code == 3);
  fs::remove(link);
  std::string const holder = on.index().string() + " (process " + std::to_string(build->pid()) + ")";
  BOOST_TEST(contains(second.err, "another build is writing " + holder));
  build->signal_all(SIGCONT);
  BOOST_TEST(on.search({"nothing"}).code == 1);  // what has been committed can be searched meanwhile
  BOOST_TEST(build->wait().code == 0);
  BOOST_TEST(on.checksum() == on.expected);
  BOOST_TEST(!fs::exists(on.index().string() + "-lock"));
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_killed_is_replaced_and_no_file_is_blamed) {
  std::vector<pid_t> const workers = descendants(build->pid());
  BOOST_REQUIRE(!workers.empty());
  ::kill(workers.back(), SIGKILL);
  ended const e = build->wait();
  BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(e.out, "300 files indexed"));
  BOOST_TEST(on.checksum() == on.expected);
}

BOOST_AUTO_TEST_SUITE_END()
