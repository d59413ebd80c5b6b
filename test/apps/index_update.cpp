#define BOOST_TEST_MODULE index_update
#include "apps/index_fixture.hpp"
#include "support/observe.hpp"

BOOST_FIXTURE_TEST_SUITE(index_update, index_fixture)

BOOST_AUTO_TEST_CASE(running_again_takes_only_what_has_changed) {
  for (int i = 0; i < 20; ++i) write("f" + std::to_string(i), "common number" + std::to_string(i) + "\n");
  BOOST_TEST(build().code == 0);
  auto const written = fs::last_write_time(index());
  BOOST_TEST(contains(build().out, "0 files indexed (0 B, 0 lines), 20 unchanged, 0 removed"));
  BOOST_TEST((fs::last_write_time(index()) == written));

  auto const before = fs::last_write_time(tree() / "f3");
  write("f3", "common numberX\n");
  fs::last_write_time(tree() / "f3", before);  // of the same size, too
  write("new", "common fresh\n");
  fs::remove(tree() / "f5");
  fs::rename(tree() / "f7", tree() / "g7");
  BOOST_TEST(contains(build().out, "3 files indexed (43 B, 3 lines), 17 unchanged, 2 removed"));
  BOOST_TEST(search({"number3"}).code == 1);
  BOOST_TEST(search({"number5"}).code == 1);
  BOOST_TEST(contains(search({"numberX"}).out, "/f3:1: common numberX"));
  BOOST_TEST(contains(search({"number7"}).out, "/g7:1: common number7"));
  BOOST_TEST(contains(search({"fresh"}).out, "/new:1: common fresh"));
  checksum();
}

BOOST_AUTO_TEST_CASE(a_shard_that_is_mostly_out_of_date_goes_away) {
  for (int i = 0; i < 10; ++i) write("f" + std::to_string(i), "old" + std::to_string(i));
  BOOST_TEST(build().code == 0);
  for (int i = 0; i < 7; ++i) write("f" + std::to_string(i), "new" + std::to_string(i));
  BOOST_TEST(contains(build().out, "10 files indexed"));
  BOOST_TEST(contains(run({"stats", index()}).out, "0 documents out of date"));
  BOOST_TEST(search({"old2"}).code == 1);
  BOOST_TEST(search({"old8"}).code == 0);
  BOOST_TEST(search({"new2"}).code == 0);
  checksum();
}

BOOST_AUTO_TEST_CASE(many_small_additions_do_not_make_many_shards) {
  for (int i = 0; i < 18; ++i) {
    write("f" + std::to_string(i), "common" + std::string(i == 3 ? " needle" : ""));
    BOOST_TEST(build({"-j", "1"}).code == 0);
  }
  BOOST_TEST(contains(run({"stats", index()}).out, "in 2 shards, 0 documents out of date"));
  BOOST_TEST(lines_of(search({"common", "-n", "99"}).out) == 18u);
  BOOST_TEST(contains(search({"needle"}).out, "/f3:1:"));
  checksum();
}

// More shards than there may be, if those that are replaced stayed until the end.
BOOST_AUTO_TEST_CASE(a_large_tree_that_changes_as_a_whole_finds_room,
                     *boost::unit_test::enable_if<!observe::instrumented>()) {
  fs::path const one = home() / "one";
  std::ofstream(one) << "word" << std::string((1 << 20) - 500, ' ');
  for (int i = 0; i < 1020; ++i) fs::create_hard_link(one, tree() / std::to_string(i));
  BOOST_TEST(build().code == 0);
  std::ofstream(one, std::ios::app) << "more";
  ended const e = build();
  BOOST_TEST_INFO(e.err);
  BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(e.out, "1,020 files indexed"));
  checksum();
}

BOOST_AUTO_TEST_SUITE_END()
