#define BOOST_TEST_MODULE endpoint
#include "endpoint/endpoint.hpp"

#include "support/processes.hpp"
#include "support/transports.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

using namespace procx::detail;
using namespace processes;
using procx::transport;

namespace {

void add(endpoint& to, std::string_view text, std::uint64_t id = 1) {
  frame_writer(to.out()).add(frame_kind::value, id, std::as_bytes(std::span(text)));
}

std::string text_of(std::optional<frame> const& f) {
  return f ? std::string(reinterpret_cast<char const*>(f->payload.data()), f->payload.size()) : "(none)";
}

void write_raw(int fd, std::string_view bytes) {
  BOOST_REQUIRE(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

constexpr std::size_t limit = 10'000'000;

}  // namespace

BOOST_AUTO_TEST_SUITE(endpoints)

BOOST_DATA_TEST_CASE(frames_go_both_ways, transports, via) {
  auto [here, there] = make_endpoints(via, limit);
  BOOST_TEST(here.frame_limit() == limit);
  for (auto [from, to] : {std::pair(&here, &there), std::pair(&there, &here)}) {
    BOOST_TEST(!to->fill());
    BOOST_TEST(!to->next());
    add(*from, "one");
    add(*from, "");
    BOOST_TEST(from->flush());
    BOOST_TEST(to->fill());
    BOOST_TEST(to->has_next());
    BOOST_TEST(text_of(to->next()) == "one");
    BOOST_TEST(text_of(to->next()) == "");
    BOOST_TEST(!to->next());
    BOOST_TEST(!to->ended());
  }
}

BOOST_DATA_TEST_CASE(what_does_not_fit_waits_and_positions_tell_how_far_it_has_got, transports, via) {
  auto [here, there] = make_endpoints(via, limit);
  std::string const much(3'000'000, 'x');
  add(here, much);
  std::uint64_t const all = much.size() + frame_header::size;
  BOOST_TEST(here.queued_bytes() == all);
  BOOST_TEST(!here.flush());
  BOOST_TEST(here.flushed_bytes() > 0u);
  BOOST_TEST(here.flushed_bytes() < all);
  BOOST_TEST(here.queued_bytes() == all);
  while (!here.flush()) BOOST_REQUIRE(there.fill());
  there.fill(std::size_t{4} << 20);
  BOOST_TEST(here.flushed_bytes() == all);
  BOOST_TEST((text_of(there.next()) == much));
}

BOOST_DATA_TEST_CASE(it_takes_in_no_more_than_it_is_told, transports, via) {
  auto [here, there] = make_endpoints(via, limit);
  for (int i = 0; i < 1000; ++i) add(here, std::string(1000, 'x'));
  for (int i = 0; i < 5; ++i) {
    here.flush();
    there.fill(1);
  }
  BOOST_TEST(there.unread() > 0u);
  BOOST_TEST(there.unread() < 900'000u);
}

BOOST_DATA_TEST_CASE(the_end_comes_after_all_that_was_flushed, transports, via) {
  auto [here, there] = make_endpoints(via, limit);
  add(here, "last");
  BOOST_TEST(here.flush());
  here.close_out();
  BOOST_TEST(!here.out_open());
  while (!there.ended()) BOOST_REQUIRE(there.fill());
  BOOST_TEST(text_of(there.next()) == "last");
  BOOST_TEST(!there.fill());
  add(there, "the other way is open");
  BOOST_TEST(there.flush());
  BOOST_TEST(here.fill());
  BOOST_TEST(text_of(here.next()) == "the other way is open");
}

BOOST_DATA_TEST_CASE(where_nobody_reads_it_breaks_and_drops_what_is_left, transports, via) {
  auto [here, there] = make_endpoints(via, limit);
  there.close();
  BOOST_TEST(there.ended());
  add(here, "in vain");
  BOOST_TEST(here.flush());
  BOOST_TEST(here.broken());
  BOOST_TEST(here.flushed_bytes() == 0u);
  BOOST_TEST(here.fill());
  BOOST_TEST(here.ended());
}

BOOST_DATA_TEST_CASE(what_is_no_frame_is_refused_again_and_again_and_read_to_its_end, transports, via) {
  auto [here, there] = make_endpoints(via, limit);
  add(here, "good");
  BOOST_TEST(here.flush());
  write_raw(here.out_fd(), "this is not a frame, nor will it ever be one");
  BOOST_TEST(there.fill());
  BOOST_TEST(text_of(there.next()) == "good");
  for (int i = 0; i < 3; ++i) {
    BOOST_CHECK_THROW(there.next(), procx::protocol_error);
    write_raw(here.out_fd(), std::string(20'000, 'x'));
    BOOST_TEST(there.fill());
  }
  BOOST_TEST(there.unread() < 20'000u);  // it is not kept
  here.close();
  while (!there.ended()) BOOST_REQUIRE(there.fill());
  BOOST_CHECK_THROW(there.next(), procx::protocol_error);
}

BOOST_AUTO_TEST_CASE(one_connected_to_nothing_is_at_its_end) {
  endpoint none(limit);
  BOOST_TEST(none.ended());
  BOOST_TEST(!none.out_open());
  BOOST_TEST(!none.fill());
  BOOST_TEST(!none.next());
  none.close();
}

BOOST_AUTO_TEST_SUITE_END()
