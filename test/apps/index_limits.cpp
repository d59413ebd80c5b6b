#define BOOST_TEST_MODULE index_limits
#include "apps/index_fixture.hpp"
#include "apps/small_disk.hpp"

namespace {

#ifdef __has_feature
#define INSTRUMENTED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED 1
#else
#define INSTRUMENTED 0
#endif
#if INSTRUMENTED
constexpr bool memory_can_be_limited = false;  // a sanitizer has a use for all of it
#else
constexpr bool memory_can_be_limited = true;
#endif

}  // namespace

BOOST_FIXTURE_TEST_SUITE(index_limits, index_fixture)

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_a_valid_index_and_a_clear_message) {
  small_disk disk(home() / "disk", "1m");
  if (!disk) return;
  fs::path const there = home() / "disk" / "index";
  write("first", "needle");
  BOOST_TEST(run({"build", tree(), "-o", there}).code == 0);
  std::string const before = checksum(there);
  fill(250);
  ended const e = run({"build", tree(), "-o", there});
  BOOST_TEST(e.code == 2);
  BOOST_TEST(contains(e.err, "no space left"));
  checksum(there);
  BOOST_TEST(run({"search", there, "needle"}).code == 0);

  disk.remount(0, "size=100m");
  BOOST_TEST(run({"build", tree(), "-o", there}).code == 0);
  BOOST_TEST(contains(run({"stats", there}).out, "251 files"));
  checksum(there);
}

BOOST_AUTO_TEST_CASE(a_disk_with_no_room_at_all_is_told) {
  small_disk disk(home() / "disk", "4k");
  if (!disk) return;
  write("file", "needle");
  ended const e = run({"build", tree(), "-o", home() / "disk" / "index"});
  BOOST_TEST(e.code == 2);
  BOOST_TEST(contains(e.err, "no space left"));
}

BOOST_AUTO_TEST_CASE(a_read_only_place_is_told_and_can_be_searched) {
  small_disk disk(home() / "disk", "10m");
  if (!disk) return;
  fs::path const there = home() / "disk" / "index";
  write("file", "needle");
  BOOST_TEST(run({"build", tree(), "-o", there}).code == 0);
  disk.remount(MS_RDONLY, "size=10m");
  ended const e = run({"build", tree(), "-o", there});
  BOOST_TEST(e.code == 2);
  BOOST_TEST(contains(e.err, "Read-only file system"));
  BOOST_TEST(run({"search", there, "needle"}).code == 0);
  BOOST_TEST(run({"check", there}).code == 0);
}

BOOST_AUTO_TEST_CASE(a_file_that_takes_too_much_memory_is_named_and_costs_nothing_else,
                     *boost::unit_test::enable_if<memory_can_be_limited>()) {
  for (int i = 0; i < 9; ++i) write("f" + std::to_string(i), "common");
  write("f4_monster", std::string(100'000, 'x'));
  fs::resize_file(tree() / "f4_monster", 200 << 20);
  ended const e = build({"--max-size", "512"}, {.memory = 150 << 20});
  BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(e.out, "9 files indexed"));
  BOOST_TEST(contains(e.err, "failed: " + (tree() / "f4_monster").string()));
  BOOST_TEST(lines_of(search({"common", "-n", "20"}).out) == 9u);
  BOOST_TEST(contains(build({"--max-size", "512"}).out, "10 unchanged"));
  ended const again = build({"--max-size", "512", "--retry"});
  BOOST_TEST(contains(again.out, "1 binary"));
  checksum();
}

BOOST_AUTO_TEST_CASE(such_files_among_many_batches_change_nothing_for_the_others,
                     *boost::unit_test::enable_if<memory_can_be_limited>()) {
  fill(300);
  for (char const* name : {"part2/monster", "part5/monster"}) {
    write(name, std::string(100'000, 'x'));
    fs::resize_file(tree() / name, 200 << 20);
  }
  std::vector<std::string> sums;
  for (char const* workers : {"1", "4"}) {
    fs::remove(index());
    ended const e = build({"--max-size", "512", "-j", workers}, {.memory = 150 << 20});
    BOOST_TEST_INFO(e.err);
    BOOST_TEST(e.code == 0);
    BOOST_TEST(contains(e.out, "300 files indexed"));
    BOOST_TEST(contains(e.out, "not indexed: 2 failed"));
    sums.push_back(checksum());
  }
  BOOST_TEST(sums[0] == sums[1]);
}

BOOST_AUTO_TEST_SUITE_END()
