// What a daemon and a client say to each other, without sockets.
#define BOOST_TEST_MODULE protocol
#include <boost/test/unit_test.hpp>

#include "daemon/client_protocol.hpp"
#include "daemon/server_protocol.hpp"

#include "support/bytes.hpp"

#include <procx/detail/wire/value_series.hpp>
#include <procx/error/exceptions.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

using namespace procx::detail;
using boost::asio::cancellation_type;

namespace {

server_protocol::clock::time_point const start = server_protocol::clock::now();

struct served : server_protocol::events {
  std::vector<std::string> all;
  session_terms terms{100, 1000, 7, true, 4711};

  session_terms on_open(session_token const& token) override {
    all.push_back("open " + std::to_string(std::to_integer<int>(token[0])));
    return terms;
  }
  void on_call(std::uint64_t id, call_head const& head, std::span<std::byte const> arguments) override {
    all.push_back("call " + std::to_string(id) + ' ' + std::to_string(head.name) + ' ' + std::to_string(head.fingerprint) + ' ' +
                  std::string(reinterpret_cast<char const*>(arguments.data()), arguments.size()));
  }
  void on_acknowledge(std::uint64_t id) override { all.push_back("acknowledge " + std::to_string(id)); }
  void on_cancel(std::uint64_t id, cancellation_type how) override {
    all.push_back("cancel " + std::to_string(id) + ' ' + std::to_string(static_cast<unsigned>(how)));
  }
  void on_end() override { all.push_back("end"); }
  void on_stop() override { all.push_back("stop"); }
  void on_hand_over() override { all.push_back("hand over"); }
};

struct called : client_protocol::events {
  session_terms terms;
  std::map<std::uint64_t, std::string> values;
  std::map<std::uint64_t, std::exception_ptr> failures;
  bool ended = false, all_answered = false;

  void on_opened(session_terms const& t) override { terms = t; }
  void on_value(std::uint64_t id, std::span<std::byte const> value) override {
    values[id] = std::string(reinterpret_cast<char const*>(value.data()), value.size());
  }
  void on_failure(std::uint64_t id, std::exception_ptr error) override { failures[id] = std::move(error); }
  void on_end(bool all) override { ended = true, all_answered = all; }
};

/// What was written arrives in pieces of this size.
void deliver(buffer& from, std::size_t piece, std::function<void(frame const&)> const& to) {
  frame_reader reader;
  for (std::size_t at = 0; at < from.size();) {
    auto const room = reader.prepare();
    std::size_t const n = std::min({piece, room.size(), from.size() - at});
    std::ranges::copy(from.bytes().subspan(at, n), room.begin());
    reader.commit(n);
    at += n;
    while (auto const f = reader.next()) to(*f);
  }
  BOOST_TEST(reader.pending() == 0u);
  from.clear();
}

struct two_sides {
  std::size_t piece = 4096;
  buffer to_server, to_client;
  served server_events;
  called client_events;
  server_protocol server{greeting::own(7, 1 << 20), start};
  client_protocol client{greeting::own(8, 1 << 19), session_token{std::byte{5}}};

  two_sides() {
    client.greet(to_server);
    server.greet(to_client);
  }
  void exchange() {
    while (!to_server.empty() || !to_client.empty()) {
      deliver(to_server, piece, [&](frame const& f) { server.on_frame(f, to_client, server_events); });
      deliver(to_client, piece, [&](frame const& f) { client.on_frame(f, to_server, client_events); });
    }
  }
};

std::span<std::byte const> text(std::string const& s) { return std::as_bytes(std::span(s)); }

template <class E>
E caught(std::exception_ptr const& error) {
  try {
    std::rethrow_exception(error);
  } catch (E const& e) {
    return e;
  }
}

/// The failure as the client has it, after it has been on the wire.
std::exception_ptr sent(std::exception_ptr const& error, std::size_t limit = 1 << 20) {
  buffer out;
  add_failure(out, 3, error, limit);
  std::exception_ptr got;
  deliver(out, 4096, [&](frame const& f) {
    BOOST_TEST(f.id == 3u);
    BOOST_TEST(f.payload.size() <= std::max<std::size_t>(limit, 64 * 1024));
    got = read_failure(f);
  });
  return got;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(protocol)

BOOST_AUTO_TEST_CASE(a_session_is_opened_and_calls_are_answered_whatever_pieces_they_arrive_in) {
  for (std::size_t const piece : {1, 2, 7, 16, 17, 4096}) {
    two_sides t;
    t.piece = piece;
    t.exchange();
    BOOST_TEST(t.client.is_open());
    BOOST_TEST(t.client_events.terms.calls == 100u);
    BOOST_TEST(t.client_events.terms.bytes == 1000u);
    BOOST_TEST(t.client_events.terms.kept_for == 7u);
    BOOST_TEST(t.client_events.terms.resumed);
    BOOST_TEST(t.client_events.terms.pid == 4711);
    BOOST_TEST(t.client.frame_limit() == 1u << 19);
    BOOST_TEST(t.server.frame_limit() == 1u << 19);
    add_call(t.to_server, 1, {10, 20}, text("abc"));
    add_call(t.to_server, 2, {10, 20}, {});
    std::byte const kind{3};
    add_control(t.to_server, control::cancel, 1, std::span(&kind, 1));
    frame_writer(t.to_server).add(frame_kind::acknowledge, 2);
    add_control(t.to_server, control::stop);
    add_control(t.to_server, control::hand_over);
    frame_writer(t.to_server).add(frame_kind::end, 0);
    add_value(t.to_client, 1, text("value"), 100);
    add_value(t.to_client, 2, text("too large"), 5);
    add_control(t.to_client, control::ping, 17);
    frame_writer(t.to_client).add(frame_kind::end, 0);
    t.exchange();
    BOOST_TEST((t.client_events.ended && !t.client_events.all_answered));
    frame_writer(t.to_client).add(frame_kind::end, 0, {}, all_is_answered);
    t.exchange();
    BOOST_TEST(t.client_events.all_answered);
    std::vector<std::string> const heard{"open 5", "call 1 10 20 abc", "call 2 10 20 ", "cancel 1 1", "acknowledge 2", "stop", "hand over", "end"};
    BOOST_TEST(t.server_events.all == heard);
    BOOST_TEST(t.client_events.values.at(1) == "value");
    BOOST_TEST(bool(caught<procx::protocol_error>(t.client_events.failures.at(2)).code() == procx::errc::value_too_large));
  }
}

BOOST_AUTO_TEST_CASE(values_of_one_length_can_come_in_one_frame) {
  two_sides t;
  t.exchange();
  std::string const three = "aabbcc";
  value_series const series{5, 2, 3, text(three).data()};
  frame_header const h = series.header();
  h.write(t.to_client.extend(frame_header::size));
  t.to_client.append(three.data(), three.size());
  t.exchange();
  BOOST_TEST((t.client_events.values == std::map<std::uint64_t, std::string>{{5, "aa"}, {6, "bb"}, {7, "cc"}}));
}

BOOST_AUTO_TEST_CASE(a_ping_is_answered_with_its_number) {
  two_sides t;
  t.exchange();
  buffer pong;
  add_control(pong, control::pong, 99);
  add_control(t.to_server, control::ping, 99);
  deliver(t.to_server, 4096, [&](frame const& f) { t.server.on_frame(f, t.to_client, t.server_events); });
  BOOST_TEST(std::ranges::equal(t.to_client.bytes(), pong.bytes()));
  t.exchange();
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_from_a_client_is_a_protocol_error) {
  auto const refused = [](auto write, bool opened = true) {
    two_sides t;
    if (opened) {
      t.exchange();
    } else {
      t.to_server.clear();
    }
    write(t.to_server);
    BOOST_CHECK_THROW(deliver(t.to_server, 4096, [&](frame const& f) { t.server.on_frame(f, t.to_client, t.server_events); }),
                      procx::protocol_error);
  };
  refused([](buffer& b) { add_open(b, {}); });
  refused([](buffer& b) { frame_writer(b).add(frame_kind::hello, 0); });
  refused([](buffer& b) { frame_writer(b).add(frame_kind::value, 1); });
  refused([](buffer& b) { frame_writer(b).add(frame_kind::exception, 1); });
  refused([](buffer& b) { frame_writer(b).add(frame_kind::task, 1, text("cut off")); });
  refused([](buffer& b) { add_control(b, control::opened); });
  refused([](buffer& b) { add_control(b, static_cast<control>(77)); });
  refused([](buffer& b) { add_control(b, control::cancel, 1); });
  refused([](buffer& b) { add_control(b, control::cancel, 1, text("\x09")); });
  refused([](buffer& b) { add_control(b, control::cancel, 1, text("12")); });
  refused([](buffer& b) {
    frame_writer(b).add(frame_kind::end, 0);
    add_call(b, 1, {1, 2}, {});
  });
  refused([](buffer& b) { add_call(b, 1, {1, 2}, {}); }, false);
  auto const greeted = [](buffer& b, std::uint64_t limit = 1 << 20) {
    handshake(greeting::own(1, limit), handshake::demand::protocol).write(b);
  };
  refused([&](buffer& b) { greeted(b), add_call(b, 1, {1, 2}, {}); }, false);
  refused([&](buffer& b) { greeted(b), add_control(b, control::ping); }, false);
  refused([&](buffer& b) { greeted(b), add_control(b, control::open, 0, text("short")); }, false);
  refused([&](buffer& b) { greeted(b, 1000); }, false);
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_from_a_daemon_is_a_protocol_error) {
  auto const refused = [](auto write, bool opened = true) {
    two_sides t;
    if (opened) {
      t.exchange();
    } else {
      deliver(t.to_client, 4096, [&](frame const& f) { t.client.on_frame(f, t.to_server, t.client_events); });
    }
    write(t.to_client);
    BOOST_CHECK_THROW(deliver(t.to_client, 4096, [&](frame const& f) { t.client.on_frame(f, t.to_server, t.client_events); }),
                      procx::protocol_error);
  };
  refused([](buffer& b) { frame_writer(b).add(frame_kind::hello, 0); });
  refused([](buffer& b) { frame_writer(b).add(frame_kind::task, 0); });
  refused([](buffer& b) { frame_writer(b).add(frame_kind::acknowledge, 0); });
  refused([](buffer& b) { frame_writer(b).add(frame_kind::values, 5 | std::uint64_t{2} << 48, text("ab")); });
  refused([](buffer& b) { add_opened(b, {}); });
  refused([](buffer& b) { add_control(b, control::stop); });
  refused([](buffer& b) { frame_writer(b).add(frame_kind::value, 1, text("a result of a background process")); }, false);
  refused([](buffer& b) { add_control(b, control::opened, 0, text("short")); }, false);
}

BOOST_AUTO_TEST_CASE(a_client_has_two_seconds_to_greet_and_open) {
  using namespace std::chrono_literals;
  two_sides t;
  BOOST_CHECK_NO_THROW(t.server.on_time(start + 1999ms));
  BOOST_CHECK_THROW(t.server.on_time(start + 2s), procx::connection_error);
  t.exchange();
  BOOST_CHECK_NO_THROW(t.server.on_time(start + 1h));
}

BOOST_AUTO_TEST_CASE(each_kind_of_failure_arrives_as_what_it_was) {
  procx::exception_record record;
  record.type_name = "std::range_error";
  record.frames = {{"/bin/it", 7}};
  auto const remote = caught<procx::remote_exception>(sent(std::make_exception_ptr(procx::remote_exception(record))));
  BOOST_TEST(remote.type_name() == "std::range_error");
  BOOST_TEST(remote.record().frames.at(0).offset == 7u);

  procx::death_certificate c{.pid = 12, .status = procx::exit_status::of_signal(SIGSEGV, true), .attempt = 2};
  c.stderr_tail = "last words";
  c.fault_address = 8;
  auto const died = caught<procx::process_died>(sent(std::make_exception_ptr(procx::process_died(c))));
  BOOST_TEST(died.status().signal() == SIGSEGV);
  BOOST_TEST(died.status().core_dumped());
  BOOST_TEST(died.stderr_tail() == "last words");
  BOOST_TEST(died.certificate()->attempt == 2u);
  BOOST_TEST(died.certificate()->fault_address.value() == 8u);

  c.cause = procx::death_cause::timeout;
  BOOST_TEST(caught<procx::task_timeout>(sent(std::make_exception_ptr(procx::task_timeout(c)))).certificate()->pid == 12);
  BOOST_TEST(caught<procx::task_timeout>(sent(std::make_exception_ptr(procx::task_timeout("late")))).what() == std::string("late"));
  BOOST_TEST(bool(caught<procx::task_cancelled>(sent(std::make_exception_ptr(procx::task_cancelled()))).code() ==
             boost::system::errc::operation_canceled));
  auto const unknown = std::make_exception_ptr(procx::protocol_error("no such", procx::errc::unknown_task));
  BOOST_TEST(bool(caught<procx::protocol_error>(sent(unknown)).code() == procx::errc::unknown_task));
  auto const other = caught<procx::remote_exception>(sent(std::make_exception_ptr(std::runtime_error("no more processes"))));
  BOOST_TEST(other.type_name() == "std::runtime_error");
}

BOOST_AUTO_TEST_CASE(a_failure_that_is_too_long_is_shortened) {
  procx::exception_record record;
  record.type_name = "T";
  record.message = std::string(200'000, 'x');
  auto const got = caught<procx::remote_exception>(sent(std::make_exception_ptr(procx::remote_exception(record)), 1000));
  BOOST_TEST(got.type_name() == "T");
  BOOST_TEST(got.message().size() < 1000u);
}

BOOST_AUTO_TEST_CASE(bytes_of_a_call_are_as_documented) {
  buffer out;
  add_call(out, 0x0102, {0x1112131415161718, 0x2122232425262728}, text("ab"));
  auto const expected = raw({18, 0, 0, 0, 0, 0, 5, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,
                             0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21, 'a', 'b'});
  BOOST_TEST(std::ranges::equal(out.bytes(), expected));
}

BOOST_AUTO_TEST_SUITE_END()
