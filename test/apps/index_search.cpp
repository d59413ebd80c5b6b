#define BOOST_TEST_MODULE index_search
#include "apps/index_fixture.hpp"

#include <poll.h>

BOOST_FIXTURE_TEST_SUITE(index_search, index_fixture)

BOOST_AUTO_TEST_CASE(words_are_found_as_they_are_written_whatever_they_contain) {
  write("shift.hpp", "a\nostream& operator<<(ostream&, x);\n");
  write("call.hpp", "void operator()(int);\n// std vector\n");
  write("vector.hpp", "std::vector<int> v;\n");
  write("pointer.hpp", "shared_ptr<X> p; // isn't 100% \"safe\"\n");
  write("dash.txt", "use --verbose or -v for well-known things\n");
  write("umlaut.txt", "Gr\xc3\xb6\xc3\x9f" "e\n");
  BOOST_TEST(build().code == 0);
  auto const only = [&](std::vector<std::string> const& words, std::string const& place) {
    ended const e = search(words);
    BOOST_TEST_INFO(words.front() << ": " << e.out << e.err);
    BOOST_TEST((lines_of(e.out) == 1 && contains(e.out, (tree() / place).string() + ":")));
  };
  only({"operator<<"}, "shift.hpp:2");
  only({"operator()"}, "call.hpp:1");
  only({"std::vector"}, "vector.hpp:1");
  only({"STD::Vector"}, "vector.hpp:1");
  only({"shared_ptr"}, "pointer.hpp:1");
  only({"shared"}, "pointer.hpp:1");
  only({"isn't"}, "pointer.hpp:1");
  only({"100%"}, "pointer.hpp:1");
  only({"\"safe\""}, "pointer.hpp:1");
  only({"--", "--verbose"}, "dash.txt:1");
  only({"well-known", "things"}, "dash.txt:1");
  only({"Gr\xc3\xb6\xc3\x9f" "e"}, "umlaut.txt:1");
  only({"vector", "std::vector"}, "vector.hpp:1");
  for (std::string const none : {"operator>>", "vector*", "\"unsafe\"", "NOT", "a AND b", "body:x", "x OR", "NEAR(a b)",
                                 "^a", "(", "\"", "-", "*", "\xff\xfe", "\n", ""}) {
    ended const e = search({none});
    BOOST_TEST_INFO(none << ": " << e.out << e.err);
    BOOST_TEST((e.code == 1 || (e.code == 2 && contains(e.err, "no letter or digit"))));
    BOOST_TEST(e.out.empty());
  }
}

BOOST_AUTO_TEST_CASE(the_best_file_comes_first_with_its_best_line) {
  write("long", std::string(5000, 'x') + "\nneedle\n" + std::string(5000, 'y') + " and many other words here\n");
  write("much", "something\nneedle thread\nneedle needle\n");
  write("none", "thread\n");
  write("names", "my_shared_ptr\nshared_ptr\n");
  BOOST_TEST(build().code == 0);
  std::string const found = search({"needle"}).out;
  BOOST_TEST(contains(found.substr(0, found.find('\n')), "much:2: needle thread"));
  BOOST_TEST(lines_of(found) == 2u);
  BOOST_TEST(contains(search({"thread", "needle"}).out, "much:2: needle thread"));
  BOOST_TEST(lines_of(search({"needle", "-n", "1"}).out) == 1u);
  BOOST_TEST(contains(search({"shared_ptr"}).out, "names:2: shared_ptr"));
  BOOST_TEST(contains(search({"ptr"}).out, "names:1: my_shared_ptr"));
}

BOOST_AUTO_TEST_CASE(expressions_are_those_of_fts5) {
  write("one", "alpha beta");
  write("two", "alphabet");
  BOOST_TEST(build().code == 0);
  BOOST_TEST(lines_of(search({"--expression", "alpha*"}).out) == 2u);
  BOOST_TEST(lines_of(search({"--expression", "alpha* NOT beta"}).out) == 1u);
  BOOST_TEST(contains(search({"--expression", "alphab*"}).out, "two:1: alphabet"));
  ended const wrong = search({"--expression", "alpha AND ("});
  BOOST_TEST(wrong.code == 2);
  BOOST_TEST(contains(wrong.err, "syntax error"));
}

BOOST_AUTO_TEST_CASE(files_that_have_changed_or_gone_are_marked) {
  write("gone", "needle one");
  write("changed", "needle two");
  write("moved", "needle three");
  BOOST_TEST(build().code == 0);
  fs::remove(tree() / "gone");
  write("changed", "thread, and a needle\n");
  write("moved", "nothing\n");
  std::string const found = search({"needle"}).out;
  BOOST_TEST(contains(found, "gone: (gone since it was indexed)\n"));
  BOOST_TEST(contains(found, "changed:1: thread, and a needle (changed since it was indexed)\n"));
  BOOST_TEST(contains(found, "moved: (changed since it was indexed)\n"));
}

BOOST_AUTO_TEST_CASE(what_a_terminal_would_obey_is_not_printed) {
  write("file", "\x1b[31m needle\x1b[0m\t\x07 \xc2\x9b \xe2\x80\xae \xff end\r\n");
  write("wide", std::string(100'000, 'a') + " needle " + std::string(100'000, 'b'));
  BOOST_TEST(build().code == 0);
  std::string const found = search({"needle"}).out;
  BOOST_TEST(contains(found, "file:1: "));
  for (char const* bad : {"\x1b", "\x07", "\xc2\x9b", "\xe2\x80\xae", "\xff", "\r"}) BOOST_TEST(!contains(found, bad));
  BOOST_TEST(found.size() < 1000u);
  BOOST_TEST(contains(found, "a needle b"));
}

BOOST_AUTO_TEST_CASE(nobody_reading_the_output_is_no_error) {
  for (int i = 0; i < 50; ++i) write("file" + std::to_string(i), "needle");
  int ends[2];
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  ::close(ends[0]);
  std::vector<std::vector<std::string>> const commands{
      build_arguments(), {"search", index(), "needle", "-n", "50"}, {"stats", index()}};
  for (auto const& args : commands) {
    ended const e = run(args, {.out = ends[1]});
    BOOST_TEST(e.code == 0);
    BOOST_TEST(e.err == "");
  }
  ::close(ends[1]);
  int const full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ended const e = run({"search", index(), "needle"}, {.out = full});
  BOOST_TEST(e.code == 2);
  BOOST_TEST(contains(e.err, "cannot write the output"));
  ::close(full);
}

BOOST_AUTO_TEST_CASE(words_beside_or_with_letters_beyond_ascii_are_found) {
  write("quoted", "see \xe2\x80\x9cstd::vector\xe2\x80\x9d here\n");
  write("capitals", "\xc3\x9c" "BER::Klasse\n");
  BOOST_TEST(build().code == 0);
  BOOST_TEST(contains(search({"std::vector"}).out, "quoted:1: see"));
  BOOST_TEST(contains(search({"\xc3\xbc" "ber::klasse"}).out, "capitals:1: "));
}

BOOST_AUTO_TEST_CASE(accents_matter_no_more_than_case) {
  write("menu", "d\xc3\xa9jeuner\nun Caf\xc3\xa9 au lait\n");
  write("plain", "cafe-au-lait\n");
  BOOST_TEST(build().code == 0);
  BOOST_TEST(contains(search({"cafe"}).out, "menu:2: un Caf"));
  BOOST_TEST(contains(search({"d\xc3\x89JEUNER"}).out, "menu:1: "));
  ended const spaced = search({"caf\xc3\xa9 AU"});
  BOOST_TEST((lines_of(spaced.out) == 1 && contains(spaced.out, "menu:2: ")));
  ended const dashed = search({"caf\xc3\xa9-au"});
  BOOST_TEST((lines_of(dashed.out) == 1 && contains(dashed.out, "plain:1: ")));
  BOOST_TEST(contains(search({"--expression", "caf* NOT dejeuner"}).out, "plain:1: "));
}

BOOST_AUTO_TEST_CASE(what_stands_between_words_is_compared_beyond_ascii_too) {
  write("dash", "foo\xe2\x80\x94" "bar\n");
  write("comma", "foo,bar\n");
  BOOST_TEST(build().code == 0);
  ended const e = search({"foo\xe2\x80\x94" "bar"});
  BOOST_TEST((lines_of(e.out) == 1 && contains(e.out, "dash:1: ")));
}

BOOST_AUTO_TEST_CASE(a_long_line_with_many_hits_is_one_line) {
  std::string line;
  for (int i = 0; i < 200'000; ++i) line += "needle_x ";
  write("long", line + "\nneedle\n");
  BOOST_TEST(build().code == 0);
  BOOST_TEST(contains(search({"needle"}).out, "long:2: needle"));
}

BOOST_AUTO_TEST_CASE(all_files_are_named_if_so_many_are_wanted_and_what_was_not_looked_into_is_told) {
  for (int i = 0; i < 5001; ++i) write("many/" + std::to_string(i), "common word\n");
  BOOST_TEST(build().code == 0);
  BOOST_TEST(lines_of(search({"common", "-n", "6000"}).out) == 5001u);
  ended const e = search({"common::word"});
  BOOST_TEST(e.code == 1);
  BOOST_TEST(contains(e.err, "only the best 5,000 files with these words were looked into"));

  // Who does not read what he has asked for holds up no build.
  int ends[2];
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  program unread(command({"search", index(), "common", "-n", "6000"}), {.out = ends[1]});
  ::close(ends[1]);
  pollfd begun{ends[0], POLLIN, 0};
  BOOST_TEST(::poll(&begun, 1, 60'000) == 1);
  write("many/more", "common word\n");
  BOOST_TEST(build().code == 0);
  BOOST_TEST(!unread.over());
  ::close(ends[0]);
  BOOST_TEST(unread.wait().code == 0);
}

BOOST_AUTO_TEST_SUITE_END()
