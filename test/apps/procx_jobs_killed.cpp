// Jobs of which something is killed, or which somebody else has a hand in.
#define BOOST_TEST_MODULE procx jobs killed
#include "apps/jobs_fixture.hpp"
#include "apps/small_disk.hpp"

#include "endpoint/handshake.hpp"
#include "jobs/job_frames.hpp"
#include "support/processes.hpp"

#include <procx/jobs/job.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <memory>
#include <span>

#include <sys/socket.h>
#include <sys/un.h>

namespace px = procx;
using processes::own_fd;

namespace {

void kill_and_see_it_end(pid_t pid) {
  own_fd const pidfd = processes::pidfd_of(pid);
  ::kill(pid, SIGKILL);
  BOOST_REQUIRE(processes::readable(pidfd.get()));
}

own_fd connected(std::filesystem::path const& to) {
  own_fd s(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  std::strncpy(a.sun_path, to.c_str(), sizeof a.sun_path - 1);
  BOOST_REQUIRE(::connect(s.get(), reinterpret_cast<sockaddr const*>(&a), sizeof a) == 0);
  return s;
}

void say(own_fd const& to, std::string const& text) { (void)!::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL); }

template <class Write>
std::string said(Write const& write) {
  px::detail::buffer out;
  write(out);
  return {reinterpret_cast<char const*>(out.data()), out.size()};
}

std::string greeting() {
  using px::detail::greeting;
  using px::detail::handshake;
  return said([](px::detail::buffer& out) { handshake(greeting::own(0, 1 << 20), handshake::demand::protocol).write(out); });
}
std::string word(px::detail::job_word what, std::uint64_t id = 0, std::string const& payload = {}) {
  return said([&](px::detail::buffer& out) { px::detail::add_word(out, what, id, std::as_bytes(std::span(payload))); });
}

bool hung_up(own_fd const& s) { return processes::readable(s.get()) && (processes::read_all(s.get()), true); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(procx_jobs_killed, jobs_fixture)

BOOST_AUTO_TEST_CASE(the_command_dies_with_its_supervisor_and_status_says_so) {
  start("one", "setsid sleep 1000 & echo out; exec sleep 1000");
  BOOST_REQUIRE(eventually([] { return status("one", "processes") == "2" && status("one", "output_bytes") == "4"; }));
  own_fd const command = processes::pidfd_of(pid_of("one", "pid"));
  program client({tool, "attach", "one"});
  program waiting({tool, "wait", "one"});
  kill_and_see_it_end(pid_of("one", "supervisor"));
  BOOST_TEST(processes::readable(command.get()));
  auto const e = client.wait();
  BOOST_TEST(e.out == "out\n");
  BOOST_TEST(e.code == 125);
  BOOST_TEST(e.err.find("its supervisor was killed") != e.err.npos, e.err);
  BOOST_TEST(waiting.wait().code == 125);
  BOOST_TEST(status("one", "state") == "\"lost\"");
  BOOST_TEST(status("one", "processes") == "1");
  BOOST_TEST(procx({"logs", "one"}).out == "out\n");
  BOOST_TEST(procx({"stop", "one"}).code == 0);
  BOOST_TEST(processes() == 0u);
}

BOOST_AUTO_TEST_CASE(the_next_start_cleans_up_after_a_supervisor_that_was_killed) {
  for (int i = 0; i < 5; ++i) {
    start("one", "setsid sleep 1000 & echo out; exec sleep 1000");
    kill_and_see_it_end(pid_of("one", "supervisor"));
  }
  start("one", "echo new", {"-n"});
  BOOST_TEST(procx({"attach", "one"}).out == "new\n");
  BOOST_TEST(procx({"wait", "one"}).code == 0);
  BOOST_TEST(processes() == 0u);
  BOOST_TEST(files() == (std::vector<std::string>{"one.job", "one.log"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_ended_before_its_supervisor_was_killed_is_known) {
  start("one", "sleep 1000 & exit 9", {"-n"});
  BOOST_TEST(procx({"wait", "one"}).code == 9);
  kill_and_see_it_end(pid_of("one", "supervisor"));
  BOOST_TEST(status("one", "exit_code") == "9");
  BOOST_TEST(status("one", "processes") == "1");
}

BOOST_AUTO_TEST_CASE(a_command_that_is_killed_is_a_job_that_has_ended) {
  start("one", "echo out; exec sleep 1000");
  program client({tool, "attach", "one"});
  ::kill(pid_of("one", "pid"), SIGKILL);
  BOOST_TEST(client.wait().code == 128 + SIGKILL);
  BOOST_TEST(procx({"wait", "one"}).code == 128 + SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_client_that_is_killed_leaves_the_job_alone) {
  start("one", "while read word; do echo $word; done");
  for (int i = 0; i < 5; ++i) {
    program client({"/bin/sh", "-c", "(echo a; exec sleep 1000) | exec " + std::string(tool) + " attach one"});
    BOOST_REQUIRE(eventually([&] { return content("one.log").size() == 2u * static_cast<unsigned>(i + 1); }));
    client.signal_all(SIGKILL);
  }
  BOOST_TEST(shell("echo b | $procx attach --from-now one").out == "b\n");
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_harms_nobody) {
  start("one", "read go; head -c 3000000 /dev/zero; echo end");
  program lazy({"/bin/sh", "-c", std::string(tool) + " attach -n one | sleep 1000"});
  BOOST_TEST(shell("echo | $procx attach one | wc -c").out == "3000004\n");
  BOOST_TEST(procx({"wait", "one"}).code == 0);
  lazy.signal_all(SIGKILL);
}

BOOST_AUTO_TEST_CASE(who_talks_nonsense_is_hung_up_on_and_nobody_else) {
  start("one", "exec sleep 1000");
  using px::detail::job_word;
  std::string const much = word(job_word::input, 0, std::string(100'000, 'x'));
  for (std::string const& nonsense :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100'000, '\xff'), std::string(64, '\0'), word(job_word::status),
        greeting() + word(job_word::state), greeting() + word(job_word::stop, 1, "x"), greeting() + greeting(),
        greeting() + word(static_cast<job_word>(99)), greeting() + much + much + much + much}) {
    own_fd const client = connected(path("one"));
    say(client, nonsense);
    BOOST_TEST(hung_up(client));
  }
  own_fd const silent = connected(path("one")), half = connected(path("one"));
  say(half, greeting().substr(0, 20));
  BOOST_TEST(status("one", "state") == "\"running\"");
  BOOST_TEST(hung_up(silent));
  BOOST_TEST(hung_up(half));
}

BOOST_AUTO_TEST_CASE(many_clients_are_served_at_once) {
  start("one", "read go; echo $go; read never; exit 3");
  std::vector<std::unique_ptr<program>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<program>(std::vector<std::string>{tool, "attach", "one"}));
  program input({"/bin/sh", "-c", "(echo go; echo end) | " + std::string(tool) + " attach one"});
  for (auto const& client : clients) {
    auto const e = client->wait();
    BOOST_TEST(e.out == "go\n");
    BOOST_TEST(e.code == 3);
  }
}

BOOST_AUTO_TEST_CASE(a_socket_that_was_removed_is_made_again) {
  start("one", "exec sleep 1000");
  std::filesystem::remove(path("one"));
  BOOST_TEST(eventually([&] { return std::filesystem::exists(path("one")); }));
  BOOST_TEST(status("one", "state") == "\"running\"");
}

BOOST_AUTO_TEST_CASE(a_full_disk_holds_up_the_command_and_its_end_is_known) {
  small_disk const disk(scratch.path / "disk", "1m");
  if (!disk) return;
  std::string const address = scratch.path / "disk" / "job", fill = scratch.path / "disk" / "fill";
  auto const fill_up = [&] { shell("head -c 10000000 /dev/zero >" + fill); };
  start(address, "read go; head -c 100000 /dev/zero; echo end; exit 5");
  fill_up();
  program client({"/bin/sh", "-c", "(echo; exec sleep 1000) | exec " + std::string(tool) + " attach " + address + " >/dev/null"});
  BOOST_TEST(procx({"wait", "--timeout", "0.3", address}).code == 124);
  std::filesystem::remove(fill);
  BOOST_TEST(procx({"wait", address}).code == 5);
  BOOST_TEST(procx({"logs", address}).out.size() == 100004u);
  client.signal_all(SIGKILL);

  start(address, "exec yes");
  fill_up();
  BOOST_REQUIRE(eventually([&] { return status(address, "state") == "\"running\""; }));
  BOOST_TEST(procx({"stop", address}).code == 0);
  BOOST_TEST(status(address, "signal") == std::to_string(SIGTERM));
  BOOST_TEST(procx({"remove", address}).code == 0);
  std::filesystem::remove(fill);
  BOOST_TEST(std::filesystem::is_empty(scratch.path / "disk"));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_socket_is_left_alone) {
  std::ofstream(path("one")) << "mine";
  BOOST_TEST(procx({"start", "one", "--", "true"}).code == 125);
  BOOST_TEST(content("one") == "mine");
  std::filesystem::remove(path("one"));
}

BOOST_AUTO_TEST_CASE(a_folder_that_others_may_enter_is_refused) {
  std::filesystem::permissions(scratch.path / "procx", std::filesystem::perms(0755));
  auto const e = procx({"start", "one", "--", "true"});
  std::filesystem::permissions(scratch.path / "procx", std::filesystem::perms(0700));
  BOOST_TEST(e.code == 125);
  BOOST_TEST(e.err.find("0700") != e.err.npos, e.err);
}

BOOST_AUTO_TEST_CASE(another_users_job_is_refused, *boost::unit_test::precondition([](auto) { return ::getuid() == 0; })) {
  scratch_directory shared;
  std::filesystem::permissions(shared.path, std::filesystem::perms(01777));
  std::string const ours = shared.path / "ours";
  program_options const nobody{.unprivileged = true};
  BOOST_TEST(procx({"start", ours, "--", "sleep", "1000"}).code == 0);
  ::chmod(ours.c_str(), 0777);
  ::chmod((ours + ".job").c_str(), 0777);
  for (std::string const command : {"status", "stop", "attach", "wait", "logs"}) {
    auto const e = procx({command, ours}, nobody);
    BOOST_TEST(e.code == 125);
    BOOST_TEST(e.out == "");
  }
  BOOST_TEST(procx({"start", ours, "--", "true"}, nobody).code == 125);
  BOOST_TEST(status(ours, "state") == "\"running\"");
  BOOST_TEST(procx({"stop", ours}).code == 0);
  BOOST_TEST(procx({"remove", ours}).code == 0);
}

BOOST_AUTO_TEST_SUITE_END()
