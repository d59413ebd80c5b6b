#define BOOST_TEST_MODULE client_calls
#include <boost/test/unit_test.hpp>

#include "daemon/client_calls.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace procx::detail;

namespace {

struct nothing final : operation {
  void complete(raw_result) override {}
};

std::span<std::byte const> of_size(std::size_t n) {
  static std::vector<std::byte> const bytes(100'000);
  return std::span(bytes).first(n);
}

/// The numbers of the calls in these frames.
std::vector<std::uint64_t> taken(buffer& out) {
  std::vector<std::uint64_t> ids;
  auto rest = out.bytes();
  while (!rest.empty()) {
    auto const h = frame_header::read(rest.data());
    ids.push_back(h.id);
    rest = rest.subspan(frame_header::size + h.length);
  }
  out.clear();
  return ids;
}

using ids = std::vector<std::uint64_t>;

struct scene {
  buffer out;
  std::uint64_t add(client_calls& c, std::size_t bytes = 1, bool on_loop = false) {
    return c.add({1, 2}, of_size(bytes), std::make_unique<nothing>(), on_loop, out);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(calls, scene)

BOOST_AUTO_TEST_CASE(nothing_is_sent_before_the_daemon_has_said_how_much_it_takes) {
  client_calls c(false);
  BOOST_TEST(add(c) == 1u);
  BOOST_TEST(add(c) == 2u);
  BOOST_TEST(taken(out) == ids());
  c.open({.calls = 10, .bytes = 1000});
  c.send(out);
  BOOST_TEST(taken(out) == (ids{1, 2}));
  add(c);
  BOOST_TEST(taken(out) == (ids{3}));
}

BOOST_AUTO_TEST_CASE(no_more_are_sent_than_the_daemon_takes_and_they_leave_in_order) {
  client_calls c(false);
  c.open({.calls = 2, .bytes = 1000});
  for (int i = 0; i < 5; ++i) add(c);
  BOOST_TEST(taken(out) == (ids{1, 2}));
  BOOST_TEST(c.take(2) != nullptr);
  add(c);  // not before those that wait
  BOOST_TEST(taken(out) == ids());
  c.send(out);
  BOOST_TEST(taken(out) == (ids{3}));
  BOOST_TEST(c.take(2) == nullptr);
}

BOOST_AUTO_TEST_CASE(nor_more_bytes_but_for_a_single_call) {
  client_calls c(false);
  c.open({.calls = 100, .bytes = 1000});
  add(c, 5000), add(c, 1);
  BOOST_TEST(taken(out) == (ids{1}));
  (void)c.take(1);
  c.send(out);
  add(c, 999), add(c, 1);
  BOOST_TEST(taken(out) == (ids{2, 3}));
  (void)c.take(2);
  c.send(out);
  BOOST_TEST(taken(out) == (ids{4}));
}

BOOST_AUTO_TEST_CASE(calls_that_were_not_sent_can_be_withdrawn) {
  client_calls c(false);
  c.open({.calls = 1, .bytes = 1000});
  for (int i = 0; i < 3; ++i) add(c);
  BOOST_TEST(c.take_unsent(1) == nullptr);
  BOOST_TEST(c.take_unsent(2) != nullptr);
  (void)c.take(1);
  taken(out);
  c.send(out);
  BOOST_TEST(taken(out) == (ids{3}));
}

BOOST_AUTO_TEST_CASE(when_the_connection_breaks_what_was_sent_is_lost_unless_answers_are_kept) {
  client_calls lost(false), kept(true), not_kept(true);
  session_terms const terms{.calls = 2, .bytes = 1000}, keeping{.calls = 2, .bytes = 1000, .kept_for = 60};
  for (client_calls* c : {&lost, &kept, &not_kept}) {
    c->open(c == &kept ? keeping : terms);
    for (int i = 0; i < 4; ++i) add(*c);
    BOOST_TEST(taken(out) == (ids{1, 2}));
  }
  BOOST_TEST(lost.close().size() == 2u);
  BOOST_TEST(not_kept.close().size() == 2u);
  BOOST_TEST(kept.close().empty());
  add(kept);
  BOOST_TEST(taken(out) == ids());
  kept.open(keeping);
  kept.send(out);
  BOOST_TEST(taken(out) == (ids{1, 2}));
  (void)kept.take(1), (void)kept.take(2);
  kept.send(out);
  BOOST_TEST(taken(out) == (ids{3, 4}));
  lost.open(terms);
  lost.send(out);
  BOOST_TEST(taken(out) == (ids{3, 4}));
}

BOOST_AUTO_TEST_CASE(what_the_daemon_says_it_has_not_run_is_sent_again) {
  client_calls c(false);
  c.open({.calls = 2, .bytes = 1000});
  for (int i = 0; i < 3; ++i) add(c);
  taken(out);
  (void)c.take(1);
  BOOST_TEST(c.close(true).empty());
  c.open({.calls = 10, .bytes = 1000});
  c.send(out);
  BOOST_TEST(taken(out) == (ids{2, 3}));
}

BOOST_AUTO_TEST_CASE(calls_that_nobody_waits_for_are_counted) {
  client_calls c(false);
  c.open({.calls = 1, .bytes = 1000});
  add(c, 1, true), add(c, 1, false), add(c, 1, true);
  BOOST_TEST(c.on_loop() == 2u);
  (void)c.take(1);
  BOOST_TEST(c.on_loop() == 1u);
  BOOST_TEST(c.take_all().size() == 2u);
  BOOST_TEST(c.on_loop() == 0u);
  BOOST_TEST(c.empty());
}

BOOST_AUTO_TEST_SUITE_END()
