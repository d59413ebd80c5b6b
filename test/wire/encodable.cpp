#define BOOST_TEST_MODULE encodable
#include <procx/wire/codec.hpp>
#include <procx/wire/full_archive.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
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

}  // namespace

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

BOOST_AUTO_TEST_SUITE_END()
