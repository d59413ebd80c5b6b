#define BOOST_TEST_MODULE index_place
#include "apps/index_fixture.hpp"

#include <sys/mount.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_can_be_limited = false;
#else
constexpr bool memory_can_be_limited = true;
#endif

namespace {

/// A file system of its own, in memory. Only root can have one.
class small_disk {
 public:
  small_disk(fs::path const& place, std::string const& size) : place_(place) {
    fs::create_directory(place_);
    mounted_ = ::mount("none", place_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
    if (!mounted_) BOOST_TEST_MESSAGE("skipped: no file system can be mounted here");
  }
  ~small_disk() {
    if (mounted_) ::umount2(place_.c_str(), MNT_DETACH);
  }
  explicit operator bool() const { return mounted_; }
  void remount(unsigned long flags, std::string const& options) {
    BOOST_TEST(::mount("none", place_.c_str(), "tmpfs", MS_REMOUNT | flags, options.c_str()) == 0);
  }

 private:
  fs::path place_;
  bool mounted_;
};

std::string bytes_of(fs::path const& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(index_place, index_fixture)

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

BOOST_AUTO_TEST_CASE(a_place_that_may_not_be_written_is_told) {
  fs::create_directory(home() / "mine");
  fs::permissions(home() / "mine", fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec);
  ended e = run({"build", tree(), "-o", home() / "mine" / "index"}, {.unprivileged = true});
  BOOST_TEST(e.code == 2);
  BOOST_TEST(contains(e.err, "Permission denied"));

  BOOST_TEST(build().code == 0);
  fs::permissions(index(), fs::perms::owner_read | fs::perms::others_read);
  e = build({}, {.unprivileged = true});
  BOOST_TEST(e.code == 2);
  BOOST_TEST(contains(e.err, "read-only"));
}

BOOST_AUTO_TEST_CASE(what_is_not_an_index_is_left_alone) {
  std::string const text = "This is a text, and longer than any header.\n" + std::string(200, 'x');
  std::ofstream(index()) << text;
  for (ended const& e : {build(), search({"word"}), run({"stats", index()}), run({"check", index()})}) {
    BOOST_TEST(e.code == 2);
    BOOST_TEST(contains(e.err, "is not an index"));
  }
  BOOST_TEST(bytes_of(index()) == text);
  for (ended const& e : {run({"build", tree(), "-o", tree()}), run({"search", tree(), "word"})}) {
    BOOST_TEST(e.code == 2);
    BOOST_TEST(contains(e.err, "is not an index: it is not a file"));
  }
  BOOST_REQUIRE(::mkfifo((home() / "fifo").c_str(), 0666) == 0);
  BOOST_TEST(run({"search", home() / "fifo", "word"}).code == 2);
}

BOOST_AUTO_TEST_CASE(an_index_of_another_version_is_left_alone) {
  BOOST_TEST(build().code == 0);
  std::string bytes = bytes_of(index());
  bytes[63] = 99;  // the last byte of SQLite's user_version
  std::ofstream(index(), std::ios::binary) << bytes;
  for (ended const& e : {build(), search({"word"})}) {
    BOOST_TEST(e.code == 2);
    BOOST_TEST(contains(e.err, "another version"));
  }
  BOOST_TEST(bytes_of(index()) == bytes);
  bytes[71] ^= 1;  // and of its application_id
  std::ofstream(index(), std::ios::binary) << bytes;
  BOOST_TEST(contains(build().err, "another program"));
}

BOOST_AUTO_TEST_CASE(damage_is_found) {
  fill(20);
  BOOST_TEST(build().code == 0);
  std::string bytes = bytes_of(index());
  std::fill(bytes.end() - 40'000, bytes.end() - 20'000, '\x55');
  std::ofstream(index(), std::ios::binary) << bytes;
  BOOST_TEST(run({"check", index()}).code == 2);
  BOOST_TEST(search({"word"}).code != 0);
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_told) {
  BOOST_TEST(contains(search({"word"}).err, "there is no index"));
  BOOST_TEST(contains(run({"build", home() / "nowhere", "-o", index()}).err, "nowhere: No such file or directory"));
  BOOST_TEST(contains(run({"build", tree(), "-o", home() / "nowhere" / "index"}).err, "No such file or directory"));
  BOOST_TEST(!fs::exists(index()));
  std::ofstream(index()).flush();
  BOOST_TEST(contains(search({"word"}).err, "is empty"));
  BOOST_TEST(build().code == 0);
  for (std::vector<std::string> const& wrong : std::vector<std::vector<std::string>>{
           {}, {"build"}, {"build", tree()}, {"search", index()}, {"build", tree(), "-o", index(), "-j", "-1"}, {"nonsense"}})
    BOOST_TEST(run(wrong).code == 2);
  BOOST_TEST(run({"--help"}).code == 0);
}

BOOST_AUTO_TEST_CASE(a_file_that_takes_too_much_memory_is_named_and_costs_nothing_else, *boost::unit_test::enable_if<memory_can_be_limited>()) {
  for (int i = 0; i < 9; ++i) write("f" + std::to_string(i), "common");
  write("f4_monster", "");
  fs::resize_file(tree() / "f4_monster", 400 << 20);
  ended const e = build({"--max-size", "512"}, {.memory = 300 << 20});
  BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(e.out, "9 files indexed"));
  BOOST_TEST(contains(e.err, "failed: " + (tree() / "f4_monster").string()));
  BOOST_TEST(lines_of(search({"common", "-n", "20"}).out) == 9u);
  BOOST_TEST(contains(build({"--max-size", "512"}).out, "10 unchanged"));
  ended const again = build({"--max-size", "512", "--retry"});
  BOOST_TEST(contains(again.out, "1 binary"));
  checksum();
}

BOOST_AUTO_TEST_SUITE_END()
