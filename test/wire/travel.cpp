#define BOOST_TEST_MODULE travel
#include <boost/test/unit_test.hpp>

#include <procx/error/exceptions.hpp>
#include <procx/wire/travel.hpp>

#include "support/bytes.hpp"

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>

#include <dlfcn.h>

using namespace procx::detail;
using procx::input_archive, procx::output_archive;

namespace {

int twice(int n) { return 2 * n; }

struct adder {
  int by = 0;
  int operator()(int n) const { return n + by; }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & by;
  }
};

struct named {
  std::string name;
  std::string operator()() const { return name; }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & name;
  }
};

struct stateful {
  int by = 0;
  int operator()(int n) const { return n + by; }
};

struct stateless {
  int operator()(int n) const { return n + 1; }
};

/// As it goes to another process, but back into this one.
template <class F>
F arrived(F const& fn) {
  buffer bytes;
  output_archive out(bytes);
  send_callable(out, fn);
  input_archive in(bytes);
  F there = receive_callable<F>(in);
  BOOST_TEST(in.left() == 0u);
  return there;
}

class secretive {
 public:
  int operator()(int n) const { return n + more_; }

 private:
  int more_ = 1;
};

auto const without_captures = [](int n) { return n - 1; };
[[maybe_unused]] auto const with_captures = [n = 1](int m) { return n + m; };
using without_captures_t = std::remove_const_t<decltype(without_captures)>;
using with_captures_t = std::remove_const_t<decltype(with_captures)>;

static_assert(travels<int (*)(int)>);
static_assert(travels<adder> && travels<named> && travels<stateless>);
static_assert(travels<without_captures_t>);
static_assert(travels<decltype(procx::by_value(with_captures))>);
static_assert(!travels<with_captures_t>);
static_assert(travels<stateful>);  // by its members
static_assert(!travels<secretive>);
static_assert(!travels<std::function<int(int)>>);
static_assert(!travels<std::reference_wrapper<adder>>);
static_assert(!travels<int (adder::*)(int) const>);

static_assert(travels_as_argument<int> && travels_as_argument<std::string> && travels_as_argument<char const*>);
static_assert(!travels_as_argument<int*> && !travels_as_argument<std::span<int>>);

}  // namespace

BOOST_AUTO_TEST_SUITE(travel)

BOOST_AUTO_TEST_CASE(a_function_arrives_as_the_place_of_its_code) {
  BOOST_TEST(arrived(&twice)(4) == 8);
  BOOST_TEST(!arrived(static_cast<int (*)(int)>(nullptr)));
  auto const place = reinterpret_cast<void (*)()>(&twice);
  BOOST_TEST(bool(function_at(offset_of(place)) == place));
  BOOST_TEST(offset_of(nullptr) == 0);
}

BOOST_AUTO_TEST_CASE(the_programs_own_functions_are_told_from_those_of_libraries) {
  BOOST_TEST(in_program_image(reinterpret_cast<void (*)()>(&twice)));
  void* const library = ::dlopen("libstdc++.so.6", RTLD_NOW | RTLD_NOLOAD);
  BOOST_REQUIRE(library);
  BOOST_TEST(!in_program_image(reinterpret_cast<void (*)()>(::dlsym(library, "__cxa_begin_catch"))));
  ::dlclose(library);
}

BOOST_AUTO_TEST_CASE(what_holds_nothing_needs_no_bytes) {
  BOOST_TEST(arrived(stateless())(1) == 2);
  BOOST_TEST(arrived(without_captures)(1) == 0);
}

BOOST_AUTO_TEST_CASE(a_function_object_arrives_with_what_it_serializes) {
  BOOST_TEST(arrived(adder{3})(4) == 7);
  BOOST_TEST(arrived(named{"a name that is too long to be short"})() == "a name that is too long to be short");
}

BOOST_AUTO_TEST_CASE(captured_values_arrive_by_value) {
  int n = 5;
  double d = 0.5;
  auto const fn = procx::by_value([n, d, few = std::array<short, 3>{1, 2, 3}](int m) { return n + m + d + few[2]; });
  BOOST_TEST(arrived(fn)(1) == 9.5);
}

BOOST_AUTO_TEST_CASE(a_mutable_lambda_keeps_its_own_state) {
  auto fn = arrived(procx::by_value([n = 1]() mutable { return n++; }));
  BOOST_TEST(fn() == 1);
  BOOST_TEST(fn() == 2);
}

BOOST_AUTO_TEST_CASE(callable_and_arguments_are_packed_together) {
  traveller const packed = pack(nullptr, adder{3}, std::tuple(4, std::string("x")));
  input_archive in(packed.state);
  BOOST_TEST(receive_callable<adder>(in).by == 3);
  auto const arguments = make<std::tuple<int, std::string>>(in);
  BOOST_TEST(std::get<0>(arguments) == 4);
  BOOST_TEST(std::get<1>(arguments) == "x");
  BOOST_TEST(in.left() == 0u);
}

BOOST_AUTO_TEST_CASE(a_callable_that_is_cut_off_is_refused) {
  auto const cut = [](auto const& fn) {
    buffer bytes;
    output_archive out(bytes);
    send_callable(out, fn);
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      input_archive in(bytes.bytes().first(n));
      BOOST_CHECK_THROW(receive_callable<std::remove_cvref_t<decltype(fn)>>(in), procx::protocol_error);
    }
  };
  cut(&twice);
  cut(adder{3});
  cut(named{"x"});
  cut(procx::by_value([n = 1L] { return n; }));
}

#ifndef NDEBUG
BOOST_AUTO_TEST_CASE(a_debug_build_finds_captured_addresses) {
  int on_the_stack = 1;
  auto const on_the_heap = std::make_unique<int>(1);
  BOOST_CHECK_EXCEPTION(procx::by_value([&] { return on_the_stack; }), std::invalid_argument, says("word 0"));
  BOOST_CHECK_THROW(procx::by_value([p = on_the_heap.get()] { return *p; }), std::invalid_argument);
  BOOST_CHECK_EXCEPTION(procx::by_value([n = 1L, p = &on_the_stack] { return n + *p; }), std::invalid_argument,
                        says("word 1"));
}

BOOST_AUTO_TEST_CASE(a_debug_build_takes_what_looks_like_no_address) {
  auto const take = [](auto value) { BOOST_CHECK_NO_THROW(procx::by_value([value] { return value; })); };
  take(0L), take(-1L), take(4096L), take(1e300), take('c');
  take("a literal lies in the image of every process of the program");
  take(static_cast<int*>(nullptr));
}
#endif

BOOST_AUTO_TEST_SUITE_END()
