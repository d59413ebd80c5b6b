#define BOOST_TEST_MODULE index_cold
#include "apps/index_fixture.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/uio.h>

namespace {

/// Has the system forget what it has of a file in memory. Not every file system can.
void forget(fs::path const& file) {
  int const fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  BOOST_REQUIRE(fd >= 0);
  ::fsync(fd);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

bool is_in_memory(fs::path const& file) {
  int const fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  char byte;
  iovec const room{&byte, 1};
  bool const there = ::preadv2(fd, &room, 1, 0, RWF_NOWAIT) >= 0 || errno != EAGAIN;
  ::close(fd);
  return there;
}

/// A tree of all sorts of files, none of them in memory.
struct cold_tree : index_fixture {
  cold_tree() {
    fill(300);
    write("part0/empty", "");
    write("part1/binary", std::string(100'000, '\0'));
    write("part2/large", std::string(2 << 20, 'x'));
    write("part3/long", std::string(900'000, 'y') + " needle");
    expected = undisturbed({"--max-size", "1"});
    chill();
  }
  void chill() const {
    for (auto const& entry : fs::recursive_directory_iterator(tree()))
      if (entry.is_regular_file()) forget(entry.path());
    if (is_in_memory(tree() / "part3/long")) BOOST_TEST_MESSAGE("the file system keeps its files in memory");
  }
  std::string expected;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(index_cold, cold_tree)

BOOST_AUTO_TEST_CASE(files_that_come_from_the_disk_are_indexed_like_others) {
  ended const e = build({"--max-size", "1", "-j", "2"});
  BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(e.out, "302 files indexed"));
  BOOST_TEST(contains(e.out, "1 binary, 1 too large"));
  BOOST_TEST(checksum() == expected);
  BOOST_TEST(search({"needle"}).code == 0);
}

BOOST_AUTO_TEST_CASE(few_descriptors_are_enough) {
  ended const e = build({"--max-size", "1", "-j", "1"}, {.descriptors = 24});
  BOOST_TEST_INFO(e.err);
  BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(e.out, "302 files indexed"));
  BOOST_TEST(checksum() == expected);
}

BOOST_AUTO_TEST_SUITE_END()
