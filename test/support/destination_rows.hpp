// What tests write to destinations.
#pragma once

#include <procx/pipeline/destination.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

enum class kind : std::uint8_t { page = 7 };

struct visit {
  std::int64_t time;
  std::string path;
  std::optional<double> seconds;
  kind what;
  bool robot;
  std::vector<std::byte> raw;
};

/// The part of an input of numbers with this one.
inline procx::batch<int> numbers(std::uint64_t part, std::vector<int> rows) {
  return {{"numbers", part, part + 1}, std::move(rows)};
}

/// Whether an error of a destination is this one.
inline auto says(std::string const& what, boost::system::error_code code) {
  return [=](procx::destination_error const& e) {
    BOOST_TEST_INFO(e.what());
    BOOST_TEST(e.code() == code);
    return std::string(e.what()).find(what) != std::string::npos;
  };
}
