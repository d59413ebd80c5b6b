#define BOOST_TEST_MODULE full_archive
#include <boost/test/unit_test.hpp>

#include <procx/wire/full_archive.hpp>

#include "support/bytes.hpp"

#include <boost/serialization/base_object.hpp>
#include <boost/serialization/export.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/unique_ptr.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>

#include <deque>
#include <map>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

namespace {

struct shape {
  virtual ~shape() = default;
  virtual double area() const = 0;
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};

}  // namespace

struct square : shape {
  double side = 0;
  double area() const override { return side * side; }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & boost::serialization::base_object<shape>(*this) & side;
  }
};

struct strip : shape {
  double length = 0;
  double area() const override { return length; }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & boost::serialization::base_object<shape>(*this) & length;
  }
};

BOOST_CLASS_EXPORT(square)
BOOST_CLASS_EXPORT(strip)

using shapes = std::vector<std::unique_ptr<shape>>;

struct item {
  int number = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & number;
  }
};
using two_items = std::pair<std::shared_ptr<item>, std::shared_ptr<item>>;

struct ring {
  int value = 0;
  std::shared_ptr<item> left, right;
  ring* self = nullptr;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & value & left & right & self;
  }
};

PROCX_FULL_ARCHIVE(std::unique_ptr<shape>);
PROCX_FULL_ARCHIVE(shapes);
PROCX_FULL_ARCHIVE(ring);
PROCX_FULL_ARCHIVE(two_items);

namespace {

std::unique_ptr<shape> make_square(double side) {
  auto s = std::make_unique<square>();
  s->side = side;
  return s;
}

std::unique_ptr<shape> make_strip(double length) {
  auto s = std::make_unique<strip>();
  s->length = length;
  return s;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(full_archive)

BOOST_AUTO_TEST_CASE(what_derives_from_a_class_arrives_behind_a_pointer_to_it) {
  BOOST_TEST(round_trip(make_square(3))->area() == 9);
  BOOST_TEST(!round_trip(std::unique_ptr<shape>()));

  shapes all;
  all.push_back(make_square(2));
  all.push_back(make_strip(5));
  auto const back = round_trip(all);
  BOOST_TEST(back.at(0)->area() == 4);
  BOOST_TEST(back.at(1)->area() == 5);
}

BOOST_AUTO_TEST_CASE(it_may_stand_inside_of_other_values) {
  std::tuple<int, std::vector<std::unique_ptr<shape>>, std::map<int, std::unique_ptr<shape>>> all;
  std::get<1>(all).push_back(make_square(2));
  std::get<2>(all)[1] = make_strip(5);
  auto const back = round_trip(all);
  BOOST_TEST(std::get<1>(back).at(0)->area() == 4);
  BOOST_TEST(std::get<2>(back).at(1)->area() == 5);

  std::deque<std::unique_ptr<shape>> some;
  some.push_back(make_square(2));
  BOOST_TEST(round_trip(some).at(0)->area() == 4);
}

BOOST_AUTO_TEST_CASE(objects_that_are_shared_stay_shared) {
  ring r;
  r.value = 4;
  r.left = r.right = std::make_shared<item>(item{7});
  r.self = &r;
  auto const all = encoded(r);
  procx::input_archive archive(all);
  ring back;
  archive >> back;
  BOOST_TEST(back.value == 4);
  BOOST_TEST(back.left->number == 7);
  BOOST_TEST(back.left == back.right);
  BOOST_TEST(back.self == &back);

  auto const shared = std::make_shared<item>();
  auto const both = round_trip(two_items(shared, shared));
  BOOST_TEST(both.first == both.second);
}

BOOST_AUTO_TEST_CASE(values_do_not_share_with_those_of_another_call) {
  two_items const shared(std::make_shared<item>(), nullptr);
  BOOST_TEST(round_trip(shared).first.use_count() == 1);
  BOOST_TEST(bool(encoded(shared) == encoded(shared)));
}

BOOST_AUTO_TEST_CASE(a_value_that_is_cut_off_or_too_long_is_refused) {
  bytes const all = encoded(make_square(3));
  for (std::size_t n = 0; n < all.size(); ++n)
    BOOST_CHECK_THROW(procx::decode<std::unique_ptr<shape>>(std::span(all).first(n)), procx::protocol_error);

  bytes longer = encoded(std::uint64_t{all.size() - 8 + 1});
  longer.insert(longer.end(), all.begin() + 8, all.end());
  longer.push_back({});
  BOOST_CHECK_EXCEPTION(procx::decode<std::unique_ptr<shape>>(longer), procx::protocol_error,
                        says("more bytes than the value"));
}

BOOST_AUTO_TEST_SUITE_END()
