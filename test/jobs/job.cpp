#define BOOST_TEST_MODULE job
#include "support/processes.hpp"
#include "support/scratch.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/jobs/job.hpp>

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;
namespace px = procx;
using processes::own_pipe;

namespace {

/// An address, at which nothing is left in the end.
struct place : scratch_directory {
  ~place() {
    for (fs::path const& file : {address, fs::path(address.string() + ".job")})
      if (fs::exists(file)) {
        px::stop_job(address, {.grace = std::chrono::milliseconds(0)});
        px::remove_job(address);
        break;
      }
    BOOST_TEST(fs::is_empty(path));
  }
  fs::path const address = path / "job.sock";
};

std::vector<std::string> shell(std::string const& line) { return {"/bin/sh", "-c", line}; }

template <class Error>
auto with_code(int code) {
  return [code](Error const& e) { return e.code().value() == code; };
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(job, place)

BOOST_AUTO_TEST_CASE(what_cannot_be_started_is_thrown_and_leaves_nothing) {
  BOOST_CHECK_THROW(px::start_job(address, {}), std::invalid_argument);
  BOOST_CHECK_EXCEPTION(px::start_job(address, {"/not/there"}), boost::system::system_error,
                        with_code<boost::system::system_error>(ENOENT));
  BOOST_CHECK_EXCEPTION(px::start_job(address, {"true"}, {.folder = "/not/there"}), boost::system::system_error,
                        with_code<boost::system::system_error>(ENOENT));
  BOOST_CHECK_THROW(px::start_job(path / "none" / "job.sock", {"true"}), px::connection_error);
}

BOOST_AUTO_TEST_CASE(a_second_job_at_an_address_is_refused) {
  px::start_job(address, {"sleep", "1000"});
  BOOST_CHECK_EXCEPTION(px::start_job(address, {"true"}), px::connection_error, with_code<px::connection_error>(EADDRINUSE));
  BOOST_CHECK_EXCEPTION(px::remove_job(address), px::connection_error, with_code<px::connection_error>(EADDRINUSE));
}

BOOST_AUTO_TEST_CASE(where_there_was_never_a_job_there_is_nothing_to_ask) {
  auto const is_said = with_code<px::connection_error>(ENOENT);
  BOOST_CHECK_EXCEPTION(px::status_of_job(address), px::connection_error, is_said);
  BOOST_CHECK_EXCEPTION(px::wait_for_job(address), px::connection_error, is_said);
  BOOST_CHECK_EXCEPTION(px::stop_job(address), px::connection_error, is_said);
  BOOST_CHECK_EXCEPTION(px::attach_job(address), px::connection_error, is_said);
  BOOST_CHECK_EXCEPTION(px::remove_job(address), px::connection_error, is_said);
}

BOOST_AUTO_TEST_CASE(the_status_tells_of_a_running_job_and_of_its_end) {
  px::job_status const begun = px::start_job(address, shell("read word; exit 3"), {.folder = "/usr"});
  BOOST_TEST((begun.state == px::job_state::running));
  BOOST_TEST(begun.address == address);
  BOOST_TEST(begun.folder == "/usr");
  BOOST_TEST(begun.pid > 0);
  BOOST_TEST(::kill(begun.pid, 0) == 0);
  BOOST_TEST(!px::wait_for_job(address, std::chrono::milliseconds(1)).has_value());
  px::job_status const end = px::stop_job(address, {.drain = true});
  BOOST_TEST((end.state == px::job_state::ended));
  BOOST_TEST(end.status.code() == 3);
  BOOST_TEST((end.ended >= end.began));
  BOOST_TEST(end.pid == begun.pid);
  BOOST_TEST(px::wait_for_job(address)->status.code() == 3);
}

BOOST_AUTO_TEST_CASE(the_first_signal_of_a_stop_can_be_chosen) {
  px::start_job(address, shell("trap 'exit 5' USR1; echo ready; while :; do sleep 0.01; done"));
  while (px::status_of_job(address).output == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  BOOST_TEST(px::stop_job(address, {.signal = SIGUSR1}).status.code() == 5);
}

BOOST_AUTO_TEST_CASE(an_output_that_nobody_reads_ends_the_attachment_without_a_signal) {
  for (std::string const line : {"head -c 1000000 /dev/zero; exec sleep 1000", "echo; exec sleep 1000"}) {
    px::start_job(address, shell(line));
    int const code = processes::code_of_fork([&] {
      ::signal(SIGPIPE, SIG_DFL);
      own_pipe p;
      p.read.close();
      return px::attach_job(address, {.output = p.write.get()}).detached ? 0 : 1;
    });
    BOOST_TEST(code == 0);
    px::stop_job(address);
  }
}

BOOST_AUTO_TEST_CASE(a_program_with_threads_may_start_jobs_from_all_of_them) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([this, i] {
      fs::path const own = path / std::to_string(i);
      px::start_job(own, shell("exit " + std::to_string(i)));
      if (px::wait_for_job(own)->status.code() != i) std::abort();
      px::stop_job(own);
      px::remove_job(own);
    });
  for (std::thread& t : threads) t.join();
}

BOOST_AUTO_TEST_SUITE_END()
