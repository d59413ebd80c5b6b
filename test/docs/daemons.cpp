#define BOOST_TEST_MODULE daemons
#include "support/background_scene.hpp"

//[
#include <procx/procx.hpp>
namespace px = procx;
//]

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;
using background_scene::scene;

namespace {

/// What is written to std::cout while it lives.
class cout_capture {
 public:
  cout_capture() : before_(std::cout.rdbuf(text_.rdbuf())) {}
  ~cout_capture() { std::cout.rdbuf(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(daemons, scene)

BOOST_AUTO_TEST_CASE(a_plain_function_and_its_result) {
  //[
  px::background_callable job(folder / "square.sock", px::make_parallel([](int n) { return n * n; }));
  job(7);
  //]
  cout_capture out;
  //[
  px::background_queue<int> results(folder / "square.sock");
  for (int r : results) std::cout << r << '\n';
  //]
  BOOST_TEST(out.text() == "49\n");
}

BOOST_AUTO_TEST_CASE(many_results_and_a_client_that_leaves) {
  //[
  px::background_callable rows(folder / "rows.sock", [](px::channel& up, int count) {
    for (int i = 0; i < count; ++i) up.send(i);
  });
  rows(1000);
  //]
  std::set<int> taken;
  //[
  {
    px::background_queue<int> first(folder / "rows.sock");
    auto it = first.begin();
    for (int i = 0; i < 10; ++i, ++it) taken.insert(*it);
  }
  px::background_queue<int> second(folder / "rows.sock");
  for (int r : second) taken.insert(r);
  //]
  BOOST_TEST(taken.size() == 1000u);
}

BOOST_AUTO_TEST_CASE(many_addresses) {
  std::vector<fs::path> sockets;
  for (int i = 0; i < 5; ++i) {
    sockets.push_back(folder / std::to_string(i));
    px::background_callable(sockets.back(), px::make_parallel([](int n) { return n; }))(i);
  }
  int sum = 0;
  //[
  px::persistent_queue<int> all;
  for (fs::path const& socket : sockets) all.connect(socket);
  for (int r : all) sum += r;
  //]
  BOOST_TEST(sum == 10);
}

BOOST_AUTO_TEST_CASE(a_crash_is_reported_in_its_place) {
  px::background_callable job(folder / "crash.sock", [](px::channel& up) {
    up.send(1);
    ::raise(SIGKILL);
  });
  job();
  cout_capture out;
  //[
  px::background_queue<int> results(folder / "crash.sock");
  for (auto const& o : results.outcomes())
    std::cout << (o ? std::to_string(*o) : o.what()) << '\n';
  //]
  BOOST_TEST(out.text().starts_with("1\nprocess "));
  BOOST_TEST(out.text().find("killed by SIGKILL") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
