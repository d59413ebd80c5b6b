#define BOOST_TEST_MODULE frame
#include <boost/test/unit_test.hpp>

#include <procx/detail/wire/frame.hpp>

#include "support/bytes.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

using namespace procx::detail;

namespace {

bytes bytes_of(buffer const& b) { return {b.data(), b.data() + b.size()}; }

void give(frame_reader& reader, std::span<std::byte const> more) {
  auto const room = reader.prepare();
  BOOST_REQUIRE(room.size() >= more.size());
  std::copy(more.begin(), more.end(), room.begin());
  reader.commit(more.size());
}

bytes payload(std::size_t size) {
  bytes p(size);
  for (std::size_t i = 0; i < size; ++i) p[i] = static_cast<std::byte>(i * 7 + size);
  return p;
}

bool same(std::span<std::byte const> a, std::span<std::byte const> b) { return std::ranges::equal(a, b); }

procx::errc code_of(auto&& action) {
  try {
    action();
  } catch (procx::protocol_error const& e) {
    return static_cast<procx::errc>(e.code().value());
  }
  return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(frame)

BOOST_AUTO_TEST_CASE(a_header_is_sixteen_bytes_in_little_endian_order) {
  std::byte header[frame_header::size];
  frame_header{frame_kind::task, 0x80, 0x0605'0403'0201, 0x1716'1514'1312'1110}.write(header);
  auto const wanted = raw({1, 2, 3, 4, 5, 6, 5, 0x80, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17});
  BOOST_TEST(same(header, wanted));

  auto const h = frame_header::read(header);
  BOOST_TEST(bool(h.kind == frame_kind::task));
  BOOST_TEST(h.flags == 0x80);
  BOOST_TEST(h.length == 0x0605'0403'0201u);
  BOOST_TEST(h.id == 0x1716'1514'1312'1110u);
}

BOOST_AUTO_TEST_CASE(the_numbers_of_the_kinds_never_change) {
  BOOST_TEST(int(frame_kind::value) == 1);
  BOOST_TEST(int(frame_kind::exception) == 2);
  BOOST_TEST(int(frame_kind::end) == 3);
  BOOST_TEST(int(frame_kind::acknowledge) == 4);
  BOOST_TEST(int(frame_kind::task) == 5);
  BOOST_TEST(int(frame_kind::hello) == 6);
  BOOST_TEST(int(frame_kind::tasks) == 7);
  BOOST_TEST(int(frame_kind::values) == 8);
}

BOOST_AUTO_TEST_CASE(frames_come_out_as_they_went_in_however_the_bytes_arrive) {
  buffer out;
  frame_writer writer(out);
  std::vector<bytes> const payloads = {payload(0), payload(1), payload(300), payload(100'000), payload(5)};
  for (std::size_t i = 0; i < payloads.size(); ++i) writer.add(frame_kind::value, i, payloads[i], wants_acknowledge);

  for (std::size_t piece : {1, 7, 16, 17, 4096, 1'000'000}) {
    frame_reader reader;
    std::size_t seen = 0;
    for (std::size_t at = 0; at < out.size();) {
      auto const n = std::min({piece, out.size() - at, std::size_t{30'000}});
      give(reader, out.bytes().subspan(at, n));
      at += n;
      while (auto const f = reader.next()) {
        BOOST_REQUIRE(seen < payloads.size());
        BOOST_TEST(f->id == seen);
        BOOST_TEST(f->flags == wants_acknowledge);
        BOOST_TEST(same(f->payload, payloads[seen]));
        ++seen;
      }
    }
    BOOST_TEST(seen == payloads.size());
    BOOST_TEST(reader.pending() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(there_is_no_frame_before_its_last_byte) {
  buffer out;
  frame_writer(out).add(frame_kind::task, 9, payload(40));
  for (std::size_t n = 0; n < out.size(); ++n) {
    frame_reader reader;
    give(reader, out.bytes().first(n));
    BOOST_TEST(!reader.has_next());
    BOOST_TEST(!reader.next());
    BOOST_TEST(reader.pending() == n);
    give(reader, out.bytes().subspan(n));
    BOOST_TEST(reader.has_next());
    BOOST_TEST(reader.next().has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_payload_is_written_in_place) {
  buffer out;
  frame_writer writer(out);
  writer.begin();
  out.append("abc", 3);
  writer.finish(frame_kind::value, 1, 3);
  frame_reader reader;
  give(reader, out);
  BOOST_TEST(same(reader.next()->payload, raw({'a', 'b', 'c'})));
}

BOOST_AUTO_TEST_CASE(a_frame_that_is_too_large_is_taken_back_and_leaves_those_before_it) {
  buffer out;
  frame_writer writer(out);
  writer.add(frame_kind::value, 1, payload(4));
  auto const before = bytes_of(out);
  writer.begin();
  out.append("abcd", 4);
  BOOST_CHECK_EXCEPTION(writer.finish(frame_kind::value, 2, 3), procx::protocol_error,
                        says("a value of 4 bytes does not fit into a frame, the limit is 3"));
  BOOST_TEST(same(out, before));
  writer.begin();
  writer.abandon();
  BOOST_TEST(same(out, before));
}

BOOST_AUTO_TEST_CASE(a_header_that_claims_more_than_the_limit_is_refused_at_once) {
  std::byte header[frame_header::size];
  for (std::uint64_t length : {std::uint64_t{101}, frame_header::max_length}) {
    frame_header{frame_kind::value, 0, length, 0}.write(header);
    frame_reader reader(100);
    give(reader, header);
    BOOST_CHECK_EXCEPTION(reader.next(), procx::protocol_error, says("bytes was announced, the limit is 100"));
    BOOST_TEST(bool(code_of([&] { reader.has_next(); }) == procx::errc::value_too_large));
    BOOST_CHECK_THROW(reader.prepare(), procx::protocol_error);
  }
}

BOOST_AUTO_TEST_CASE(a_limit_is_the_largest_length_that_is_taken) {
  buffer out;
  frame_writer(out).add(frame_kind::value, 0, payload(100));
  frame_reader reader(100);
  give(reader, out);
  BOOST_TEST(reader.next()->payload.size() == 100u);
}

BOOST_AUTO_TEST_CASE(an_unknown_kind_is_no_frame) {
  for (int kind : {0, 11, 255}) {
    std::byte header[frame_header::size];
    frame_header{static_cast<frame_kind>(kind)}.write(header);
    frame_reader reader;
    give(reader, header);
    BOOST_CHECK_EXCEPTION(reader.next(), procx::protocol_error, says("no frame: kind " + std::to_string(kind)));
    BOOST_TEST(bool(code_of([&] { reader.next(); }) == procx::errc::protocol_error));
  }
}

BOOST_AUTO_TEST_CASE(the_reader_takes_memory_for_what_arrived_and_not_for_what_was_announced) {
  std::byte header[frame_header::size];
  frame_header{frame_kind::value, 0, default_frame_limit, 0}.write(header);
  frame_reader reader;
  give(reader, header);
  std::size_t arrived = sizeof header;
  for (int i = 0; i < 8; ++i) {
    auto const room = reader.prepare();
    BOOST_TEST(room.size() <= std::max<std::size_t>(128 * 1024, 2 * arrived));
    arrived += room.size();
    reader.commit(room.size());
    BOOST_TEST(!reader.next());
  }
}

BOOST_AUTO_TEST_CASE(a_reader_keeps_little_once_a_large_frame_has_been_read) {
  buffer out;
  frame_writer(out).add(frame_kind::value, 0, payload(20 << 20));
  frame_reader reader;
  for (std::size_t at = 0; at < out.size();) {
    auto const room = reader.prepare();
    auto const n = std::min(room.size(), out.size() - at);
    std::memcpy(room.data(), out.data() + at, n);
    reader.commit(n);
    at += n;
  }
  BOOST_TEST(reader.next()->payload.size() == std::size_t{20 << 20});
  BOOST_TEST(reader.prepare().size() <= 8u << 20);
}

BOOST_AUTO_TEST_CASE(a_frame_can_be_passed_over_before_it_is_whole) {
  buffer out;
  frame_writer writer(out);
  bytes const large = payload(100'000), small = payload(10);
  writer.add(frame_kind::value, 1, small);
  writer.add(frame_kind::value, 2, large);
  writer.add(frame_kind::value, 3, small);
  for (std::size_t piece : {1000, 7777, 64'000}) {
    frame_reader reader;
    BOOST_TEST(!reader.skip_next());
    std::vector<std::uint64_t> ids, skipped;
    for (std::size_t at = 0; at < out.size(); at += piece) {
      give(reader, out.bytes().subspan(at, std::min(piece, out.size() - at)));
      while (auto const f = reader.next()) ids.push_back(f->id);
      if (!skipped.empty() || reader.pending() < frame_header::size) continue;
      skipped.push_back(reader.skip_next()->id);
      BOOST_TEST(reader.skips());
    }
    BOOST_TEST(!reader.skips());
    BOOST_TEST(ids == (std::vector<std::uint64_t>{1, 3}), boost::test_tools::per_element());
    BOOST_TEST(skipped == std::vector<std::uint64_t>{2}, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(random_bytes_are_frames_or_a_protocol_error) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    frame_reader reader(1000);
    bytes noise(random() % 200);
    for (auto& b : noise) b = static_cast<std::byte>(random() % 8);
    give(reader, noise);
    try {
      std::size_t taken = 0;
      while (auto const f = reader.next()) taken += frame_header::size + f->payload.size();
      BOOST_TEST(taken + reader.pending() == noise.size());
    } catch (procx::protocol_error const&) {
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
