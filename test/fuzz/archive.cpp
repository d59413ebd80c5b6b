// Bytes as a value: they are refused, or they are a value that is the same after it has been encoded once more.
#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <boost/serialization/forward_list.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/valarray.hpp>

#include <algorithm>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <list>
#include <map>
#include <set>
#include <span>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

namespace {

struct tree {
  std::string name;
  std::vector<tree> children;
  std::unique_ptr<tree> other;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & name & children & other;
  }
};

struct plain {
  int a;
  double b;
};

/// Made by load_construct_data, which refuses some numbers.
class chosen {
 public:
  explicit chosen(unsigned char n) : n_(n) {
    if (n > 100) throw std::out_of_range("chosen");
  }
  unsigned char n() const { return n_; }
  bool operator<(chosen const& other) const { return n_ < other.n_; }
  template <class Archive>
  void serialize(Archive&, unsigned) {}

 private:
  unsigned char n_;
};

struct nothing {
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};

}  // namespace

namespace boost::serialization {

template <class Archive>
void save_construct_data(Archive& archive, chosen const* c, unsigned) {
  unsigned char const n = c->n();
  archive << n;
}
template <class Archive>
void load_construct_data(Archive& archive, chosen* c, unsigned) {
  unsigned char n = 0;
  archive >> n;
  ::new (c) chosen(n);
}

}  // namespace boost::serialization

namespace {

template <class T>
procx::detail::buffer encoded(T const& value) {
  procx::detail::buffer out;
  procx::encode(out, value);
  return out;
}

template <class T>
void check(std::span<std::byte const> bytes) {
  procx::detail::buffer first;
  try {
    first = encoded(procx::decode<T>(bytes));
  } catch (procx::protocol_error const&) {
    return;
  } catch (std::out_of_range const&) {
    return;
  }
  // Once more: a set has sorted itself, a map has dropped what was there twice, padding is zero.
  auto const second = encoded(procx::decode<T>(first));
  bool const ordered = !requires { typename T::hasher; };
  if (first.size() > bytes.size() || second.size() != first.size()) std::abort();
  if (ordered && !std::ranges::equal(first.bytes(), second.bytes())) std::abort();
}

constexpr void (*checks[])(std::span<std::byte const>) = {
    &check<bool>,
    &check<double>,
    &check<std::string>,
    &check<std::wstring>,
    &check<std::vector<bool>>,
    &check<std::vector<std::uint32_t>>,
    &check<std::vector<std::string>>,
    &check<std::vector<nothing>>,
    &check<std::vector<std::tuple<>>>,
    &check<std::list<std::vector<std::uint16_t>>>,
    &check<std::deque<std::optional<std::string>>>,
    &check<std::set<chosen>>,
    &check<std::map<std::string, std::vector<plain>>>,
    &check<std::multimap<int, chosen>>,
    &check<std::unordered_map<int, std::string>>,
    &check<std::unordered_set<std::string>>,
    &check<std::pair<std::optional<chosen>, std::array<std::string, 2>>>,
    &check<std::tuple<bool, std::unique_ptr<std::string>, std::shared_ptr<chosen>>>,
    &check<std::vector<std::variant<std::monostate, int, std::string, std::vector<bool>>>>,
    &check<std::vector<std::filesystem::path>>,
    &check<std::tuple<std::chrono::nanoseconds, std::complex<float>, std::bitset<13>>>,
    &check<tree>,
    &check<procx::exception_record>,
    &check<std::forward_list<std::string>>,
    &check<boost::optional<std::string>>,
    &check<std::valarray<std::uint16_t>>,
    &check<std::map<int, std::map<int, std::list<nothing>>>>,
};

}  // namespace

/// The first byte chooses the type.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  checks[data[0] % std::size(checks)](std::as_bytes(std::span(data, size)).subspan(1));
  return 0;
}
