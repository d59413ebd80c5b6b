#define BOOST_TEST_MODULE handshake
#include <boost/test/unit_test.hpp>

#include "endpoint/handshake.hpp"

#include "support/bytes.hpp"

#include <procx/error/exceptions.hpp>

#include <functional>

using namespace procx::detail;
using state = handshake::state;
using demand = handshake::demand;

namespace {

greeting someone(std::function<void(greeting&)> change = [](greeting&) {}) {
  greeting g = greeting::own(7, 1000);
  g.program = "other";
  change(g);
  return g;
}

/// What `mine` makes of the other side's greeting.
handshake met(handshake mine, greeting const& other) {
  buffer payload;
  other.write(payload);
  mine.on_frame({frame_kind::hello, 0, 0, payload});
  return mine;
}
handshake mine(demand what) { return {greeting::own(7, 4096), what}; }

std::string reason(handshake const& h) {
  try {
    h.check();
    return "";
  } catch (procx::protocol_error const& e) {
    return e.what();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handshake_)

BOOST_AUTO_TEST_CASE(two_of_the_same_program_meet_and_take_the_smaller_limit) {
  for (auto const what : {demand::protocol, demand::machine, demand::build}) {
    auto const h = met(mine(what), someone());
    BOOST_TEST(bool(h.now() == state::done));
    BOOST_TEST(h.other().program == "other");
    BOOST_TEST(h.frame_limit() == 1000u);
    BOOST_CHECK_NO_THROW(h.check());
  }
}

BOOST_AUTO_TEST_CASE(what_is_written_is_a_frame_that_the_other_side_reads) {
  buffer out;
  mine(demand::build).write(out);
  frame_reader reader;
  auto const room = reader.prepare();
  std::ranges::copy(out.bytes(), room.begin());
  reader.commit(out.size());
  handshake other(someone(), demand::build);
  auto const f = reader.next();
  BOOST_REQUIRE(f.has_value());
  BOOST_TEST(bool(other.on_frame(*f) == state::done));
}

BOOST_AUTO_TEST_CASE(a_refusal_says_what_differs_in_both_sides_words) {
  auto const newer = met(mine(demand::protocol), someone([](greeting& g) { g.protocol = 9, g.oldest_protocol = 8; }));
  BOOST_TEST(bool(newer.now() == state::refused));
  BOOST_TEST(reason(newer).find("versions 8 to 9") != std::string::npos);
  BOOST_TEST(reason(newer).find("this program 2 to 2") != std::string::npos);
  auto const small = [](greeting& g) { g.word_size = 4; };
  BOOST_TEST(bool(met(mine(demand::protocol), someone(small)).now() == state::done));
  auto const machine = reason(met(mine(demand::machine), someone(small)));
  BOOST_TEST(machine.find("32 bits") != std::string::npos);
  BOOST_TEST(machine.find("64 bits") != std::string::npos);
  auto const other_build = [](greeting& g) { g.build = 8; };
  BOOST_TEST(bool(met(mine(demand::machine), someone(other_build)).now() == state::done));
  BOOST_TEST(reason(met(mine(demand::build), someone(other_build))).find("\"other\" is another build") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_newer_version_that_understands_this_one_is_welcome) {
  auto const h = met(mine(demand::protocol), someone([](greeting& g) { g.protocol = 9; }));
  BOOST_TEST(bool(h.now() == state::done));
}

BOOST_AUTO_TEST_CASE(nothing_is_taken_before_the_greeting) {
  for (auto const kind : {frame_kind::value, frame_kind::end, frame_kind::task, frame_kind::acknowledge}) {
    handshake h = mine(demand::protocol);
    BOOST_TEST(bool(h.on_frame({kind, 0, 0, {}}) == state::refused));
    BOOST_TEST(reason(h).find("without having greeted") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_greeting_is_refused_at_any_length) {
  buffer good;
  someone().write(good);
  for (std::size_t n = 0; n < good.size(); ++n) {
    handshake h = mine(demand::protocol);
    BOOST_TEST(bool(h.on_frame({frame_kind::hello, 0, 0, good.bytes().first(n)}) == state::refused));
  }
  handshake h = mine(demand::protocol);
  bytes const large(5000);
  BOOST_TEST(bool(h.on_frame({frame_kind::hello, 0, 0, large}) == state::refused));
  handshake other = mine(demand::protocol);
  BOOST_TEST(bool(other.on_frame({frame_kind::hello, 0, 0, raw({'H', 'T', 'T', 'P', 2, 0, 0, 0})}) == state::refused));
  BOOST_TEST(reason(other).find("does not greet as procx does") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(who_says_nothing_is_late_at_the_deadline_and_not_before) {
  auto const start = handshake::clock::now();
  handshake h(greeting::own(7, 4096), demand::protocol, start + std::chrono::seconds(2));
  BOOST_TEST(bool(h.on_time(start + std::chrono::milliseconds(1999)) == state::awaiting));
  BOOST_TEST(bool(h.on_time(start + std::chrono::seconds(2)) == state::late));
  BOOST_CHECK_THROW(h.check(), procx::connection_error);
}

BOOST_AUTO_TEST_CASE(a_final_state_stays) {
  handshake h = met(mine(demand::protocol), someone());
  BOOST_TEST(bool(h.on_end() == state::done));
  BOOST_TEST(bool(h.on_time(handshake::clock::time_point::max()) == state::done));
  handshake gone = mine(demand::protocol);
  BOOST_TEST(bool(gone.on_end() == state::ended));
  BOOST_TEST(bool(met(gone, someone()).now() == state::ended));
  BOOST_CHECK_THROW(gone.check(), procx::connection_error);
}

BOOST_AUTO_TEST_SUITE_END()
