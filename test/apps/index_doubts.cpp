#define BOOST_TEST_MODULE index_doubts
// What files and disks say of themselves, and what is not true.
#include "apps/index_fixture.hpp"

#include <array>
#include <ctime>

namespace {

/// Sets the file's time of modification to a whole second, counted from now.
void set_whole_second(fs::path const& file, std::time_t from_now) {
  timespec const when{std::time(nullptr) + from_now, 0};
  std::array const times{when, when};
  BOOST_REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times.data(), 0) == 0);
}

/// A directory whose files have four kilobytes by their own account, and less when they are read.
fs::path const boastful = "/sys/kernel/mm/transparent_hugepage";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(index_doubts, index_fixture)

BOOST_AUTO_TEST_CASE(a_read_that_does_not_wait_is_not_believed_when_it_fails_or_ends) {
  fill(20);
  write("long", std::string(900'000, 'y') + " needle");
  std::string const expected = undisturbed();
  for (int const error : {0, EPERM, EACCES, EINVAL, ENOSYS, EIO, EOPNOTSUPP, EAGAIN})
    BOOST_TEST_CONTEXT("preadv2 answers with " << error) {
      fs::remove(index());
      ended const e = build({"-j", "1"}, {.refused = {{SYS_preadv2}, error}});
      BOOST_TEST(contains(e.out, "21 files indexed"));
      BOOST_TEST(checksum() == expected);
      BOOST_TEST(search({"needle"}).code == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_sandbox_may_refuse_what_can_be_done_without) {
  fill(20);
  std::string const expected = undisturbed();
  for (int const error : sandbox::usual_errors)
    BOOST_TEST_CONTEXT("the sandbox answers with " << error) {
      fs::remove(index());
      BOOST_TEST(build({"-j", "2"}, {.refused = {sandbox::all_optional_calls(), error}}).code == 0);
      BOOST_TEST(checksum() == expected);
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_shorter_than_it_says_is_not_taken_for_whole) {
  if (!fs::exists(boastful / "enabled")) {
    BOOST_TEST_MESSAGE("skipped: there are no such files here");
    return;
  }
  ended const e = run({"build", boastful, "-o", index()});
  BOOST_TEST(e.code == 0);
  BOOST_TEST(e.out.starts_with("0 files indexed"));
  BOOST_TEST(contains(e.err, ": No data available"));
  BOOST_TEST(contains(run({"build", boastful, "-o", index()}).err, ": No data available"));  // it is tried again
}

BOOST_AUTO_TEST_CASE(a_file_whose_time_cannot_show_a_change_is_read_again) {
  write("coarse", "needle");
  write("fine", "thread");
  set_whole_second(tree() / "coarse", 3600);  // it stays in the present tick for the whole of this test
  BOOST_TEST(contains(build().out, "2 files indexed"));
  BOOST_TEST(contains(search({"needle"}).out, "/coarse:1: needle\n"));
  BOOST_TEST(contains(build().out, "1 file indexed (6 B, 1 line), 1 unchanged"));
  BOOST_TEST(contains(search({"needle"}).out, "/coarse:1: needle\n"));
  checksum();

  set_whole_second(tree() / "coarse", -3600);
  BOOST_TEST(contains(build().out, "1 file indexed (6 B, 1 line), 1 unchanged"));
  BOOST_TEST(contains(build().out, "0 files indexed (0 B, 0 lines), 2 unchanged"));
}

BOOST_AUTO_TEST_CASE(a_root_whose_files_are_all_gone_may_be_a_disk_that_is_not_mounted) {
  for (int i = 0; i < 10; ++i) write("a/f" + std::to_string(i), "needle");
  BOOST_TEST(build().code == 0);
  std::string const sum = checksum();
  fs::rename(tree(), home() / "elsewhere");
  fs::create_directory(tree());
  for (int i = 0; i < 2; ++i) {
    ended const e = build();
    BOOST_TEST(e.code == 0);
    BOOST_TEST(contains(e.out, "10 unchanged, 0 removed"));
    BOOST_TEST(contains(e.err, "tree had 10 files and has none now"));
    BOOST_TEST(checksum() == sum);
  }
  fs::remove(tree());
  fs::rename(home() / "elsewhere", tree());
  BOOST_TEST(contains(build().out, "0 files indexed (0 B, 0 lines), 10 unchanged, 0 removed"));

  for (int i = 1; i < 10; ++i) fs::remove(tree() / "a" / ("f" + std::to_string(i)));
  ended const nine = build();
  BOOST_TEST(contains(nine.out, "1 unchanged, 9 removed"));
  BOOST_TEST(nine.err == "");
  fs::remove(tree() / "a" / "f0");
  ended const e = build({"--allow-empty"});
  BOOST_TEST(contains(e.out, "0 unchanged, 1 removed"));
  BOOST_TEST(e.err == "");
  BOOST_TEST(search({"needle"}).code == 1);
}

BOOST_AUTO_TEST_CASE(what_the_system_mounts_below_a_root_may_be_missing_as_well) {
  write("disk/f", "needle");
  write("other/g", "thread");
  std::ofstream(home() / "fstab") << "/dev/none " << (tree() / "disk").string() << " ext4 noauto 0 0\n";
  std::string const in_place = "mount --bind " + (home() / "fstab").string() + " /etc/fstab && exec " PROCX_TEST_SUPPORT
                               "/procx-index build " + tree().string() + " -o " + index().string();
  auto const build_there = [&] { return program({"/usr/bin/unshare", "-m", "/bin/sh", "-c", in_place}).wait(); };
  if (ended const e = build_there(); !contains(e.out, "2 files indexed")) {
    BOOST_TEST_MESSAGE("skipped: no namespace can be made here: " << e.err);
    return;
  }
  fs::remove(tree() / "disk/f");
  ended const e = build_there();
  BOOST_TEST(contains(e.out, "2 unchanged, 0 removed"));
  BOOST_TEST(contains(e.err, "disk had 1 file and has none now"));
  fs::remove(tree() / "other/g");
  BOOST_TEST(contains(build_there().err, "tree had 2 files and has none now"));
  BOOST_TEST(contains(build({"--allow-empty"}).out, "2 removed"));
}

BOOST_AUTO_TEST_SUITE_END()
