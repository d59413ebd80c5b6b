#define BOOST_TEST_MODULE daemons
#include "support/background_scene.hpp"
#include "support/helper_program.hpp"

//[
#include <procx/procx.hpp>
namespace px = procx;
//]

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <ranges>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;
using background_scene::scene;

namespace {

//[
struct query {
  std::string beginning;
  int limit = 0;
};
std::vector<std::string> words;  // dear to make

std::vector<std::string> look_up(query const& q) {
  std::vector<std::string> found;
  for (std::string const& word : words)
    if (word.starts_with(q.beginning) && static_cast<int>(found.size()) < q.limit) found.push_back(word);
  return found;
}
int square(int n) { return n * n; }

PROCX_TASK(look_up);
PROCX_TASK_AS(square, "math/square");
//]

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

BOOST_AUTO_TEST_CASE(functions_that_a_daemon_serves) {
  //[
  px::start_daemon(folder / "words.sock", {.workers = 2, .prepare = [] { words = {"procx", "process", "prose", "pool"}; }});
  //]
  {
    //[
    px::connection c = px::connect(folder / "words.sock");
    std::vector<std::string> found = c.call(look_up, query{"pro", 2});
    int area = c.call<int>("math/square", 8);  // from a program that has no such function
    //]
    BOOST_TEST(found == (std::vector<std::string>{"procx", "process"}));
    BOOST_TEST(area == 64);
    //[
    long sum = 0;
    for (int n : c.pmap(square, std::views::iota(1, 1001))) sum += n;
    //]
    BOOST_TEST(sum == 333'833'500);
    //[
    std::future<int> later = c.async_call(px::call<int>("math/square", 5), boost::asio::use_future);

    boost::asio::io_context io;
    px::connection on_my_loop = px::connect(io, folder / "words.sock");
    int answer = 0;
    on_my_loop.async_call(px::call(square, 12), [&](std::exception_ptr error, int n) { answer = error ? -1 : n; });
    io.run();
    //]
    BOOST_TEST(later.get() == 25);
    BOOST_TEST(answer == 144);
  }
  {
    //[
    px::connection patient = px::connect(folder / "words.sock", {.reconnect = std::chrono::minutes(1)});
    //]
    BOOST_TEST(patient.call(square, 3) == 9);
  }
  //[
  px::stop_daemon(folder / "words.sock");
  //]
  BOOST_TEST(!fs::exists(folder / "words.sock"));
}

BOOST_AUTO_TEST_CASE(ten_programs_ask_one_that_has_loaded_its_words_once) {
  std::ofstream(folder / "words") << "prose procx pool process";
  std::string const at = (folder / "words.sock").string();
  ended_program const started = run_helper("daemons_words start " + at + ' ' + (folder / "words").string());
  BOOST_TEST(started.code == 0, started.printed);
  fs::remove(folder / "words");
  std::vector<std::future<ended_program>> asked;
  for (int i = 0; i < 10; ++i) asked.push_back(std::async(std::launch::async, run_helper, "daemons_words ask " + at + " proc"));
  for (auto& a : asked) BOOST_TEST(a.get().printed == "process\nprocx\n");
  BOOST_TEST(run_helper("daemons_words stop " + at).code == 0);
  std::ofstream(folder / "words") << "prose";
  auto running = std::async(std::launch::async, run_helper, "daemons_words run " + at + ' ' + (folder / "words").string());
  while (!fs::exists(at)) std::this_thread::yield();
  fs::remove(folder / "words");
  BOOST_TEST(run_helper("daemons_words ask " + at + " pro").printed == "prose\n");
  BOOST_TEST(run_helper("daemons_words stop " + at).code == 0);
  BOOST_TEST(running.get().code == 0);
  ended_program const too_late = run_helper("daemons_words ask " + at + " proc");
  BOOST_TEST(too_late.code == 1);
  BOOST_TEST(too_late.printed.find("nobody listens at " + at) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
