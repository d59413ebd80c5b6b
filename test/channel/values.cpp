#define BOOST_TEST_MODULE values
#include <procx/channel/start.hpp>

#include "support/processes.hpp"
#include "support/transports.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace px = procx;
using namespace processes;
using namespace std::chrono_literals;

namespace {

enum class colour : short { red = -1, green = 1000 };

struct point {
  double x, y;
  friend bool operator==(point const&, point const&) = default;
};

struct person {
  std::string name;
  std::vector<point> places;
  std::map<std::string, int> ages;
  friend bool operator==(person const&, person const&) = default;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & name & places & ages;
  }
};

struct unwilling {
  template <class Archive>
  void serialize(Archive&, unsigned) {
    throw std::runtime_error("it does not want to travel");
  }
};

template <class T>
px::channel echo(px::start_options const& options) {
  return px::start(options, [](px::channel& up) {
    for (;;) up.send(up.receive<T>());
  });
}

template <class T>
void goes_there_and_back(px::start_options const& options, std::vector<T> const& values) {
  px::channel ch = echo<T>(options);
  for (T const& v : values) {
    ch.send(v);
    BOOST_TEST((ch.receive<T>() == v));
  }
  for (T const& v : values) ch.send(v);  // and all at once
  for (T const& v : values) BOOST_TEST((ch.receive<T>() == v));
  ch.close();
  BOOST_TEST(ch.pid() > 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(values)

BOOST_DATA_TEST_CASE(numbers_go_there_and_back, transports, via) {
  px::start_options const options{.via = via};
  goes_there_and_back<int>(options, {0, 1, -1, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()});
  goes_there_and_back<std::uint64_t>(options, {0, ~std::uint64_t{0}});
  goes_there_and_back<char>(options, {'\0', 'a', '\xff'});
  goes_there_and_back<bool>(options, {true, false});
  goes_there_and_back<double>(options, {0.0, -1.5, 1e300, std::numeric_limits<double>::infinity()});
  goes_there_and_back<colour>(options, {colour::red, colour::green});
}

BOOST_DATA_TEST_CASE(text_and_containers_go_there_and_back, transports, via) {
  px::start_options const options{.via = via};
  goes_there_and_back<std::string>(options, {"", "text", std::string("with\0zero", 9), std::string(100'000, 'x')});
  goes_there_and_back<std::vector<std::string>>(options, {{}, {""}, {"mary", "had"}});
  goes_there_and_back<std::vector<double>>(options, {{}, {1, 2, 3}, std::vector<double>(100'000, 0.5)});
  goes_there_and_back<std::map<int, std::vector<std::string>>>(options, {{}, {{1, {"one"}}, {2, {}}}});
  goes_there_and_back<std::array<int, 3>>(options, {{1, 2, 3}});
  goes_there_and_back<std::pair<int, std::string>>(options, {{1, "one"}});
  goes_there_and_back<std::tuple<int, std::string, double>>(options, {{1, "one", 1.0}});
  goes_there_and_back<std::optional<std::string>>(options, {std::nullopt, "some"});
  goes_there_and_back<std::variant<int, std::string>>(options, {7, "seven"});
}

BOOST_DATA_TEST_CASE(types_of_the_users_own_go_there_and_back, transports, via) {
  px::start_options const options{.via = via};
  goes_there_and_back<point>(options, {{1, 2}, {-0.5, 1e9}});
  goes_there_and_back<person>(options, {{}, {"mary", {{1, 2}, {3, 4}}, {{"lamb", 1}}}});
}

BOOST_AUTO_TEST_CASE(text_that_is_pointed_to_goes_as_a_string) {
  px::channel ch = echo<std::string>({});
  ch.send("a literal");
  BOOST_TEST(ch.receive<std::string>() == "a literal");
  char const* const pointer = "a pointer";
  ch.send(pointer);
  BOOST_TEST(ch.receive<std::string>() == "a pointer");
}

BOOST_AUTO_TEST_CASE(arguments_of_start_reach_the_callable_as_they_are) {
  auto only_movable = std::make_unique<int>(7);
  px::channel ch = px::start(
      [](px::channel& up, std::unique_ptr<int> const& p, std::string const& s, std::vector<int> const& v) {
        up.send(s + std::to_string(*p) + std::to_string(v.size()));
      },
      std::move(only_movable), std::string("text"), std::vector<int>(3));
  BOOST_TEST(ch.receive<std::string>() == "text73");
}

BOOST_AUTO_TEST_CASE(different_types_take_turns) {
  px::channel ch = px::start([](px::channel& up) {
    up.send(up.receive<int>() + 1);
    up.send(up.receive<std::string>() + "!");
    up.send(std::vector<int>{up.receive<short>()});
  });
  ch.send(1);
  ch.send("two");
  ch.send(short{3});
  BOOST_TEST(ch.receive<int>() == 2);
  BOOST_TEST(ch.receive<std::string>() == "two!");
  BOOST_TEST((ch.receive<std::vector<int>>() == std::vector<int>{3}));
}

BOOST_AUTO_TEST_CASE(what_is_not_of_the_type_asked_for_is_an_error_and_the_next_value_is_not) {
  px::channel ch = px::start([](px::channel& up) {
    up.send('c');
    up.send(std::string("text"));
    up.send(5);
  });
  BOOST_CHECK_THROW(ch.receive<double>(), px::protocol_error);
  BOOST_CHECK_THROW((ch.receive<std::array<int, 100>>()), px::protocol_error);
  BOOST_TEST(ch.receive<int>() == 5);
}

BOOST_DATA_TEST_CASE(trying_gives_what_is_there_and_does_not_wait, transports, via) {
  px::channel ch = px::start({.via = via}, [](px::channel& up) {
    up.receive<int>();
    up.send(1);
    up.send(2);
    up.receive<int>();
  });
  BOOST_TEST(!ch.try_receive<int>());
  ch.send(0);
  BOOST_TEST(ch.try_receive_for<int>(10s).value() == 1);
  BOOST_TEST(ch.try_receive_for<int>(10s).value() == 2);
  BOOST_TEST(!ch.try_receive<int>());
  auto const start = std::chrono::steady_clock::now();
  BOOST_TEST(!ch.try_receive_for<int>(20ms));
  BOOST_TEST((std::chrono::steady_clock::now() - start >= 20ms));
  BOOST_TEST(!ch.try_receive_for<int>(0s));
  ch.send(0);
  BOOST_TEST(ch.wait().success());
  BOOST_TEST(!ch.try_receive<int>());  // and never will be
  BOOST_CHECK_THROW(ch.receive<int>(), px::end_of_channel);
}

BOOST_DATA_TEST_CASE(a_value_over_the_limit_is_refused_where_it_is_sent_and_the_channel_stays_usable, transports, via) {
  px::start_options const options{.via = via, .frame_limit = 1000};
  px::channel ch = px::start(options, [](px::channel& up) {
    std::string const text = up.receive<std::string>();
    try {
      up.send(std::string(5000, 'x'));
    } catch (px::protocol_error const&) {
      up.send("refused, " + text);
    }
  });
  try {
    ch.send(std::string(5000, 'x'));
    BOOST_ERROR("it was sent");
  } catch (px::protocol_error const& e) {
    BOOST_TEST((e.code() == px::errc::value_too_large));
    BOOST_TEST(std::string(e.what()).find("1000") != std::string::npos);
  }
  ch.send(std::string("small"));
  BOOST_TEST(ch.receive<std::string>() == "refused, small");
}

BOOST_AUTO_TEST_CASE(a_value_that_cannot_be_encoded_sends_nothing) {
  px::channel ch = echo<int>({});
  BOOST_CHECK_THROW(ch.send(unwilling()), std::runtime_error);
  ch.send(8);
  BOOST_TEST(ch.receive<int>() == 8);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(an_empty_channel_says_so) {
  px::channel moved = px::start([](px::channel& up) { up.send(7); });
  px::channel const there = std::move(moved);
  px::channel never_started;
  for (px::channel* ch : {&moved, &never_started}) {
    BOOST_TEST(!*ch);
    BOOST_TEST(ch->pid() == 0);
    BOOST_TEST(ch->pidfd() == -1);
    BOOST_TEST(!ch->kill(SIGTERM));
    BOOST_TEST(ch->stderr_tail().empty());
    BOOST_TEST(!ch->get_executor());
    ch->close();
    BOOST_CHECK_THROW(ch->send(1), px::sequence_error);
    BOOST_CHECK_THROW(ch->receive<int>(), px::sequence_error);
    BOOST_CHECK_THROW(ch->try_receive<int>(), px::sequence_error);
    BOOST_CHECK_THROW(ch->try_receive_for<int>(1s), px::sequence_error);
    BOOST_CHECK_THROW(ch->wait(), px::sequence_error);
    BOOST_CHECK_THROW(ch->wait_for(1s), px::sequence_error);
    BOOST_CHECK_THROW(ch->try_wait(), px::sequence_error);
  }
}
