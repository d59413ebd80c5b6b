#define BOOST_TEST_MODULE index_damage
#include "apps/index_fixture.hpp"

#include <SQLiteCpp/Database.h>

BOOST_FIXTURE_TEST_SUITE(index_damage, index_fixture)

BOOST_AUTO_TEST_CASE(what_the_tables_say_of_each_other_is_checked) {
  fill(20);
  for (char const* damage : {
           "UPDATE text_data SET block = x'' WHERE id = 1",                       // counts of documents and words
           "UPDATE text_data SET block = x'00000000000000' WHERE id = 10",        // the list of segments
           "UPDATE shards SET words = words + 1",
           "UPDATE files SET fate = 99 WHERE id = 3",
           "UPDATE files SET fate = -1 WHERE id = 3",
           "DELETE FROM state",
           "DELETE FROM text_docsize WHERE id = 5",
       }) {
    fs::remove(index());
    BOOST_TEST(build().code == 0);
    BOOST_TEST(checksum() != "");
    SQLite::Database(index(), SQLite::OPEN_READWRITE).exec(damage);
    BOOST_TEST_INFO(damage);
    BOOST_TEST(run({"check", index()}).code == 2);
  }
}

BOOST_AUTO_TEST_CASE(a_build_that_meets_damage_says_that_it_is_damage) {
  fill(20);
  BOOST_TEST(build().code == 0);
  SQLite::Database(index(), SQLite::OPEN_READWRITE).exec("DELETE FROM shards");  // but not what is in them
  write("more", "words\n");
  ended const e = build();
  BOOST_TEST(e.code == 2);
  BOOST_TEST(contains(e.err, "the index is damaged"));
}

BOOST_AUTO_TEST_SUITE_END()
