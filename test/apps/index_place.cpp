#define BOOST_TEST_MODULE index_place
#include "apps/index_fixture.hpp"

namespace {

std::string bytes_of(fs::path const& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(index_place, index_fixture)

BOOST_AUTO_TEST_CASE(a_place_that_may_not_be_written_is_told) {
  fs::create_directory(home() / "mine");
  fs::permissions(home() / "mine", fs::perms{0555});
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

BOOST_AUTO_TEST_CASE(a_file_of_the_users_own_that_is_called_as_the_lock_stays) {
  fs::path const lock = index().string() + "-lock";
  std::ofstream(lock) << "mine";
  BOOST_TEST(build().code == 0);
  BOOST_TEST(bytes_of(lock) == "mine");
}

BOOST_AUTO_TEST_CASE(a_link_to_an_index_stands_for_it_and_one_to_nothing_is_refused) {
  BOOST_TEST(build().code == 0);
  fs::create_symlink(index(), home() / "link");
  write("new", "needle");
  BOOST_TEST(run(build_arguments({}, home() / "link")).code == 0);
  BOOST_TEST(lines_of(search({"needle"}).out) == 1u);
  fs::create_symlink(home() / "nothing", home() / "dangling");
  ended const e = run(build_arguments({}, home() / "dangling"));
  BOOST_TEST(e.code == 2);
  BOOST_TEST(contains(e.err, "is a link"));
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_told) {
  BOOST_TEST(contains(search({"word"}).err, "there is no index"));
  BOOST_TEST(contains(run({"build", home() / "nowhere", "-o", index()}).err, "nowhere: No such file or directory"));
  BOOST_TEST(contains(run({"build", tree(), "-o", home() / "nowhere" / "index"}).err, "No such file or directory"));
  BOOST_TEST(!fs::exists(index()));
  std::ofstream(index()).flush();
  BOOST_TEST(contains(search({"word"}).err, "is empty"));
  BOOST_TEST(build().code == 0);
  std::vector<std::vector<std::string>> const wrong{
      {}, {"nonsense"}, {"build"}, {"build", tree()}, {"search", index()}, {"build", tree(), "-o", index(), "-j", "-1"}};
  for (auto const& arguments : wrong) BOOST_TEST(run(arguments).code == 2);
  BOOST_TEST(run({"--help"}).code == 0);
}

BOOST_AUTO_TEST_SUITE_END()
