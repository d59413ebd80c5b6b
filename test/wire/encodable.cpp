#define BOOST_TEST_MODULE encodable
#include <procx/wire/codec.hpp>
#include <procx/wire/full_archive.hpp>

#include <boost/test/unit_test.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/range/iterator_range.hpp>
#include <boost/utility/string_view.hpp>

#include <functional>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <set>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <typeindex>
#include <variant>
#include <vector>

using procx::detail::is_encodable;

namespace {

struct numbers {
  int a;
  double b;
};
class unserializable {
 public:
  std::string name;

 private:
  int secret_ = 0;
};
struct tree {
  int number = 0;
  std::vector<tree> branches;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & number & branches;
  }
};
struct shape {
  virtual ~shape() = default;
};

template <class T>
struct holds {
  int number;
  T value;
};
/// Whether it is refused by itself, and wherever it may be in a value.
template <class T>
bool is_refused_everywhere() {
  return !is_encodable<T> && !is_encodable<holds<T>> && !is_encodable<holds<holds<T>>> && !is_encodable<std::vector<holds<T>>> &&
         !is_encodable<std::optional<std::pair<int, T>>> && !is_encodable<std::map<int, std::tuple<T>>> &&
         !is_encodable<std::unique_ptr<holds<std::vector<T>>>>;
}

/// Has the interface of a container, and more state than elements.
class names : public std::vector<std::string> {
 public:
  std::string title;
};
class counted : public std::map<int, int> {
 public:
  int otherwise = 0;
};
class json {
 public:
  using value_type = json;
  json const* begin() const { return nullptr; }
  json const* end() const { return nullptr; }
  void clear() {}
  void push_back(json const&) {}

 private:
  double number_ = 0;
};
class label : public std::string {
 public:
  int color = 0;
};
class own_bag {
 public:
  using value_type = int;
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }
  void clear() { all_.clear(); }
  void push_back(int n) { all_.push_back(n); }

 private:
  std::vector<int> all_;
};
class declared_bag : public own_bag {};
class money {
 public:
  explicit money(int cents = 0) : cents_(cents) {}

 private:
  int cents_;
};
struct from_outside {
  std::string name;
};

}  // namespace

namespace procx::inline v1 {
template <>
inline constexpr bool send_as_range<declared_bag> = true;
template <>
inline constexpr bool send_as_bytes<money> = true;
template <>
struct codec<shape> {
  template <class Archive>
  static void save(Archive&, shape const&) {}
  template <class Archive>
  static void load(Archive&, shape&) {}
};
}  // namespace procx::inline v1

BOOST_AUTO_TEST_SUITE(encodable)

BOOST_AUTO_TEST_CASE(what_can_become_bytes) {
  BOOST_TEST((is_encodable<int> && is_encodable<bool> && is_encodable<numbers> && is_encodable<std::string>));
  BOOST_TEST((is_encodable<tree> && is_encodable<std::unique_ptr<tree>> && is_encodable<std::shared_ptr<int const>>));
  BOOST_TEST((is_encodable<std::vector<bool>> && is_encodable<std::set<std::string>>));
  BOOST_TEST((is_encodable<std::map<std::string, std::vector<tree>>>));
  BOOST_TEST((is_encodable<std::tuple<int const, std::optional<tree>, std::variant<int, std::string>>>));
  BOOST_TEST(is_encodable<std::tuple<>>);
}

BOOST_AUTO_TEST_CASE(what_cannot) {
  BOOST_TEST(!is_encodable<unserializable>);
  BOOST_TEST((!is_encodable<std::vector<unserializable>> && !is_encodable<std::map<int, unserializable>>));
  BOOST_TEST((!is_encodable<std::optional<std::pair<int, unserializable>>> && !is_encodable<std::array<unserializable, 2>>));
  BOOST_TEST((!is_encodable<std::variant<int, unserializable>> && !is_encodable<std::unique_ptr<unserializable>>));
  BOOST_TEST((!is_encodable<int*> && !is_encodable<std::function<int()>> && !is_encodable<std::shared_ptr<shape>>));
}

BOOST_AUTO_TEST_CASE(what_borrows_is_refused_at_any_depth) {
  BOOST_TEST((is_refused_everywhere<std::string_view>() && is_refused_everywhere<boost::string_view>()));
  BOOST_TEST((is_refused_everywhere<std::span<int>>() && is_refused_everywhere<boost::asio::const_buffer>()));
  BOOST_TEST((is_refused_everywhere<std::vector<int>::iterator>() && is_refused_everywhere<std::list<int>::const_iterator>()));
  BOOST_TEST((is_refused_everywhere<std::map<int, int>::iterator>() && is_refused_everywhere<std::vector<bool>::iterator>()));
  BOOST_TEST((is_refused_everywhere<std::ranges::subrange<int*>>() && is_refused_everywhere<std::ranges::ref_view<std::string>>()));
  BOOST_TEST((is_refused_everywhere<boost::iterator_range<std::string::iterator>>()));
  BOOST_TEST((is_refused_everywhere<std::initializer_list<int>>() && is_refused_everywhere<std::type_index>()));
  BOOST_TEST((is_refused_everywhere<std::source_location>() && is_refused_everywhere<std::reference_wrapper<int>>()));
  BOOST_TEST((is_refused_everywhere<int const*>() && is_refused_everywhere<int (*)(int)>() && is_refused_everywhere<int tree::*>()));
  BOOST_TEST((is_refused_everywhere<std::function<int()>>() && is_refused_everywhere<std::thread::id>()));
  int number = 0;
  auto const lambda = [p = &number] { return *p; };
  BOOST_TEST(is_refused_everywhere<std::remove_const_t<decltype(lambda)>>());
}

BOOST_AUTO_TEST_CASE(what_looks_like_a_container_is_none_until_somebody_says_so) {
  BOOST_TEST((is_refused_everywhere<names>() && is_refused_everywhere<counted>() && is_refused_everywhere<json>()));
  BOOST_TEST((is_refused_everywhere<label>() && is_refused_everywhere<own_bag>()));
  BOOST_TEST((is_encodable<declared_bag> && is_encodable<std::vector<holds<declared_bag>>>));
  declared_bag bag;
  bag.push_back(1), bag.push_back(2);
  procx::detail::buffer bytes;
  procx::encode(bytes, bag);
  auto const again = procx::decode<declared_bag>(bytes.bytes());
  BOOST_TEST(std::vector<int>(again.begin(), again.end()) == (std::vector<int>{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_its_writer_vouches_for_is_sent_as_it_lies_in_memory) {
  BOOST_TEST((is_encodable<money> && is_encodable<holds<money>>));
  BOOST_TEST((!is_encodable<money, procx::wire_form::portable>));
}

BOOST_AUTO_TEST_CASE(an_own_codec_goes_first) {
  BOOST_TEST((procx::detail::kind_of<shape> == procx::detail::value_kind::codec));
  BOOST_TEST(is_encodable<holds<from_outside>>);
}

BOOST_AUTO_TEST_SUITE_END()
