#define BOOST_TEST_MODULE index_build
#include "apps/index_fixture.hpp"

#include <sys/socket.h>
#include <sys/un.h>

BOOST_FIXTURE_TEST_SUITE(index_build, index_fixture)

BOOST_AUTO_TEST_CASE(the_index_is_the_same_whatever_the_number_of_workers) {
  fill(160);
  std::vector<std::string> sums;
  for (char const* workers : {"1", "2", "11"}) {
    fs::remove(index());
    ended const e = build({"-j", workers});
    BOOST_TEST(e.code == 0);
    BOOST_TEST(contains(e.out, "160 files indexed"));
    sums.push_back(checksum());
  }
  BOOST_TEST(sums[0] == sums[1]);
  BOOST_TEST(sums[0] == sums[2]);
}

BOOST_AUTO_TEST_CASE(what_is_not_text_is_counted_and_named_and_costs_nothing_else) {
  write("good", "needle\n");
  write("binary", std::string("needle\0needle", 13));
  write("enormous", "");
  fs::resize_file(tree() / "enormous", 17 << 20);
  write("secret", "needle\n");
  fs::permissions(tree() / "secret", fs::perms::none);
  write("closed/hidden", "needle\n");
  fs::permissions(tree() / "closed", fs::perms::none);
  write("list_only/hidden", "needle\n");
  fs::permissions(tree() / "list_only", fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  BOOST_REQUIRE(::mkfifo((tree() / "fifo").c_str(), 0666) == 0);
  sockaddr_un address{AF_UNIX, "socket"};
  fs::current_path(tree());
  int const socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  BOOST_REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  ::close(socket);
  fs::current_path("/");
  fs::create_symlink(".", tree() / "loop");
  fs::create_symlink("nowhere", tree() / "dangling");

  if (::getuid() == 0) fs::permissions(home(), fs::perms::all);
  ended const e = build({}, {.unprivileged = true});
  BOOST_TEST_INFO(e.err);
  BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(e.out, "1 file indexed"));
  BOOST_TEST(contains(e.out, "1 binary, 1 unreadable, 1 too large, 2 closed directories"));
  BOOST_TEST(contains(e.out, "2 symbolic links, 2 special files"));
  std::string const there = tree().string() + '/';
  std::string const skipped = run({"stats", index(), "--skipped"}).out;
  for (std::string const& said : {e.err, skipped}) {
    BOOST_TEST(contains(said, "binary: " + there + "binary\n"));
    BOOST_TEST(contains(said, "unreadable: " + there + "secret: Permission denied\n"));
    BOOST_TEST(contains(said, "too large: " + there + "enormous (17.8 MB)\n"));
    BOOST_TEST(contains(said, "closed directory: " + there + "closed: Permission denied\n"));
    BOOST_TEST(contains(said, "closed directory: " + there + "list_only: Permission denied\n"));
  }
  BOOST_TEST(search({"needle"}).out == there + "good:1: needle\n");

  fs::permissions(tree() / "secret", fs::perms::all);
  fs::permissions(tree() / "closed", fs::perms::all);
  fs::permissions(tree() / "list_only", fs::perms::all);
  BOOST_TEST(contains(build({"--max-size", "20"}, {.unprivileged = true}).out, "3 files indexed"));
  BOOST_TEST(lines_of(search({"needle"}).out) == 4u);
}

BOOST_AUTO_TEST_CASE(where_the_time_went_is_said_of_each_stage) {
  write("one", "needle");
  ended const e = build({"--timings", "-j", "2"});
  BOOST_TEST_INFO(e.out);
  BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(e.out, "  read, 2 processes, in order: 1 in, 1 out"));
  BOOST_TEST(contains(e.out, "  store, here: 1 in, 1 out"));
}

BOOST_AUTO_TEST_CASE(names_may_be_any_bytes) {
  std::vector<std::string> const names{"new\nline", "quo'te\"s", "\xff\xfe",  "back\\slash", "-dash",
                                       " ",         "$(x);`y`",  "\x1b[31m", "b\xc3\xa4r",  std::string(255, 'n')};
  for (std::string const& name : names) write(name, "needle in " + std::to_string(name.size()) + "\n");
  BOOST_TEST(build().code == 0);
  ended const found = search({"needle", "-n", "100"});
  BOOST_TEST(lines_of(found.out) == names.size());
  BOOST_TEST(contains(found.out, "$'" + tree().string() + "/new\\nline':1: needle"));
  BOOST_TEST(contains(found.out, "/\\377\\376':1:"));
  BOOST_TEST(contains(found.out, "/b\xc3\xa4r:1:"));
  BOOST_TEST(!contains(found.out, "\x1b"));
  BOOST_TEST(contains(build().out, "10 unchanged, 0 removed"));
}

BOOST_AUTO_TEST_CASE(a_directory_counts_once_however_it_is_named) {
  write("sub/file", "needle");
  fs::create_symlink(tree(), home() / "link");
  ended const e = build({tree(), tree() / "sub", home() / "link", tree() / "sub" / ".."});
  BOOST_TEST(contains(e.out, "1 file indexed"));
  BOOST_TEST(contains(build({tree()}).out, "1 unchanged"));
  BOOST_TEST(lines_of(search({"needle"}).out) == 1u);
}

BOOST_AUTO_TEST_CASE(an_empty_directory_makes_an_index_in_which_nothing_is_found) {
  BOOST_TEST(contains(build().out, "0 files indexed"));
  BOOST_TEST(search({"anything"}).code == 1);
  checksum();
}

BOOST_AUTO_TEST_CASE(an_index_in_what_it_indexes_leaves_itself_out) {
  write("file", "needle");
  for (int i = 0; i < 2; ++i) BOOST_TEST(run({"build", tree(), "-o", tree() / "index"}).code == 0);
  ended const e = run({"build", tree(), "-o", tree() / "index"});
  BOOST_TEST(contains(e.out, "0 files indexed (0 B, 0 lines), 1 unchanged"));
  BOOST_TEST(!contains(e.out, "binary"));
}

BOOST_AUTO_TEST_SUITE_END()
