#define BOOST_TEST_MODULE registered_task
#include <boost/test/unit_test.hpp>

#include <procx/dispatch/registered_task.hpp>

#include "support/bytes.hpp"

#include <procx/wire/portable.hpp>

#include <procx/error/exceptions.hpp>

#include <map>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace procx::detail;

namespace shop {

struct item {
  std::string name;
  int pieces = 0;
};
int total(std::vector<item> const& items) {
  int sum = 0;
  for (item const& i : items) sum += i.pieces;
  return sum;
}
void nothing() noexcept {}
std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(c - 'a' + 'A');
  return text;
}

}  // namespace shop

PROCX_TASK(shop::total);
PROCX_TASK(shop::nothing);
PROCX_TASK_AS(shop::upper, "text/upper");

namespace {

/// What the call gives, as an `R` in the portable form.
template <class R, class... A>
R called(std::string_view name, std::type_identity_t<A> const&... arguments) {
  buffer sent, got;
  save_named_call<R, A...>(sent, name, arguments...);
  auto const* const task = registered_task::find(name_hash(name));
  procx::input_archive in(sent.bytes());
  procx::output_archive out(got);
  bool const agrees = !task || task->fingerprint() == signature_fingerprint<R, A...>();
  (agrees ? run_named : refuse_named)(const_cast<registered_task*>(task), in, out);
  return procx::decode_portable<R>(got.bytes());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(registered_tasks)

BOOST_AUTO_TEST_CASE(a_function_is_called_by_its_name) {
  BOOST_TEST((called<int, std::vector<shop::item>>("shop::total", {{"a", 2}, {"b", 3}})) == 5);
  BOOST_TEST((called<std::string, std::string>("text/upper", "abc")) == "ABC");
  BOOST_CHECK_NO_THROW((called<std::monostate>("shop::nothing")));
}

BOOST_AUTO_TEST_CASE(structs_of_the_same_structure_do_whatever_they_are_called) {
  struct other {
    std::string title;
    int count;
  };
  BOOST_TEST((called<int, std::vector<other>>("shop::total", {{"a", 2}})) == 2);
}

BOOST_AUTO_TEST_CASE(another_signature_is_an_error_with_both_as_text) {
  BOOST_CHECK_EXCEPTION((called<int, std::vector<int>>("shop::total", {1})), procx::protocol_error, [](auto const& e) {
    return e.code() == procx::errc::signature_mismatch && says("int (std::vector<shop::item>)")(e) && says("int (std::vector<int>)")(e);
  });
  BOOST_CHECK_THROW((called<long, std::vector<shop::item>>("shop::total", {})), procx::protocol_error);
}

BOOST_AUTO_TEST_CASE(an_unknown_name_is_an_error_that_says_it) {
  BOOST_CHECK_EXCEPTION((called<int, int>("nobody", 1)), procx::protocol_error, [](auto const& e) {
    return e.code() == procx::errc::unknown_task && says("\"nobody\"")(e);
  });
}

BOOST_AUTO_TEST_CASE(a_registered_function_is_found_by_its_address) {
  auto const* const task = registered_task::find(reinterpret_cast<void (*)()>(&shop::upper));
  BOOST_REQUIRE(task);
  BOOST_TEST(task->name() == "text/upper");
  BOOST_TEST(task->signature() == "std::string (std::string)");
}

BOOST_AUTO_TEST_CASE(two_functions_of_one_name_end_the_program_with_both_named) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  pid_t const child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    registered_task const second("text/upper", 1, typeid(int(int)).name(), nullptr, reinterpret_cast<void (*)()>(&shop::total), "here.cpp", 7);
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  char some[512];
  for (ssize_t n; (n = ::read(ends[0], some, sizeof some)) > 0;) text.append(some, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) != 0));
  BOOST_TEST(text.find("std::string (std::string)") != std::string::npos);
  BOOST_TEST(text.find("int (int) (here.cpp:7)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_library_that_is_unloaded_takes_its_tasks_with_it) {
  {
    registered_task const loaded("of/a/library", 1, typeid(int(int)).name(), nullptr, nullptr, "here.cpp", 7);
    BOOST_TEST(registered_task::find(name_hash("of/a/library")) == &loaded);
  }
  BOOST_TEST(!registered_task::find(name_hash("of/a/library")));
}

BOOST_AUTO_TEST_CASE(types_are_named_as_people_write_them) {
  using map = std::map<std::string, std::vector<int>>;
  BOOST_TEST(readable_type(typeid(map).name()) == "std::map<std::string, std::vector<int>>");
}

BOOST_AUTO_TEST_SUITE_END()
