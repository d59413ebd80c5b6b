#pragma once

// Bytes as a value: they are refused, or they are a value that is the same after it has been encoded once more. The targets
// archive and portable, for the two forms, share all but the form.
#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <boost/serialization/forward_list.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/valarray.hpp>

#include <boost/circular_buffer.hpp>

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

/// Sent by its members.
struct member_wise {
  std::string name;
  plain arrays[2];
  bool flags[3];
  std::vector<member_wise> parts;
  std::optional<char> letter;
};

struct by_distance {
  int middle = 0;
  bool operator()(int a, int b) const { return distance(a) < distance(b); }
  std::int64_t distance(int n) const { return n < middle ? std::int64_t{middle} - n : std::int64_t{n} - middle; }
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

template <procx::wire_form Form, class T>
procx::detail::buffer encoded(T const& value) {
  procx::detail::buffer out;
  procx::basic_output_archive<Form> archive(out);
  procx::detail::save_to_make(archive, value);
  return out;
}
template <class T, procx::wire_form Form>
T decoded(std::span<std::byte const> bytes) {
  return procx::decode<T>(procx::basic_input_archive<Form>(bytes));
}

template <procx::wire_form Form, class T>
void check(std::span<std::byte const> bytes) {
  procx::detail::buffer first;
  try {
    first = encoded<Form>(decoded<T, Form>(bytes));
  } catch (procx::protocol_error const&) {
    return;
  } catch (std::out_of_range const&) {
    return;
  }
  // Once more: a set has sorted itself, a map has dropped what was there twice, padding is zero.
  auto const second = encoded<Form>(decoded<T, Form>(first));
  bool const ordered = !requires { typename T::hasher; };
  if (first.size() > bytes.size() || second.size() != first.size()) std::abort();
  if (ordered && !std::ranges::equal(first.bytes(), second.bytes())) std::abort();
}

template <procx::wire_form Form>
using wide_string = std::conditional_t<Form == procx::wire_form::native, std::wstring, std::u32string>;

template <procx::wire_form Form>
constexpr void (*checks[])(std::span<std::byte const>) = {
    &check<Form, bool>,
    &check<Form, double>,
    &check<Form, std::string>,
    &check<Form, wide_string<Form>>,
    &check<Form, std::vector<bool>>,
    &check<Form, std::vector<std::uint32_t>>,
    &check<Form, std::vector<std::string>>,
    &check<Form, std::vector<nothing>>,
    &check<Form, std::vector<std::tuple<>>>,
    &check<Form, std::list<std::vector<std::uint16_t>>>,
    &check<Form, std::deque<std::optional<std::string>>>,
    &check<Form, std::set<chosen>>,
    &check<Form, std::map<std::string, std::vector<plain>>>,
    &check<Form, std::multimap<int, chosen>>,
    &check<Form, std::unordered_map<int, std::string>>,
    &check<Form, std::unordered_set<std::string>>,
    &check<Form, std::pair<std::optional<chosen>, std::array<std::string, 2>>>,
    &check<Form, std::tuple<bool, std::unique_ptr<std::string>, std::shared_ptr<chosen>>>,
    &check<Form, std::vector<std::variant<std::monostate, int, std::string, std::vector<bool>>>>,
    &check<Form, std::vector<std::filesystem::path>>,
    &check<Form, std::tuple<std::chrono::nanoseconds, std::complex<float>, std::bitset<13>>>,
    &check<Form, tree>,
    &check<Form, procx::exception_record>,
    &check<Form, std::forward_list<std::string>>,
    &check<Form, boost::optional<std::string>>,
    &check<Form, std::valarray<std::uint16_t>>,
    &check<Form, std::map<int, std::map<int, std::list<nothing>>>>,
    &check<Form, member_wise>,
    &check<Form, std::map<std::string, member_wise>>,
    &check<Form, boost::circular_buffer<std::string>>,
    &check<Form, std::multimap<int, std::error_code, by_distance>>,
};

/// The first byte chooses the type.
template <procx::wire_form Form>
int check_input(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  checks<Form>[data[0] % std::size(checks<Form>)](std::as_bytes(std::span(data, size)).subspan(1));
  return 0;
}

}  // namespace
