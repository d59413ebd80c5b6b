// Jobs with a terminal of their own.
#define BOOST_TEST_MODULE procx jobs terminal
#include "apps/jobs_fixture.hpp"
#include "support/processes.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

using processes::own_fd;

namespace {

/// `procx attach` on a terminal, of which this is the side of the person.
class person {
 public:
  explicit person(std::vector<std::string> words, unsigned short rows = 33, unsigned short columns = 77)
      : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    ::grantpt(master_.get());
    ::unlockpt(master_.get());
    resize(rows, columns);
    std::string const slave = ::ptsname(master_.get());
    std::string line = "exec setsid --ctty --wait " + std::string(jobs_fixture::tool);
    for (std::string const& word : words) line += ' ' + word;
    client_ = std::make_unique<program>(std::vector<std::string>{"/bin/sh", "-c", line + " <" + slave + " >" + slave + " 2>" + slave});
  }
  void resize(unsigned short rows, unsigned short columns) {
    winsize const size{rows, columns, 0, 0};
    ::ioctl(master_.get(), TIOCSWINSZ, &size);
  }
  void type(std::string const& keys) { (void)!::write(master_.get(), keys.data(), keys.size()); }
  /// Whether the text appears on the screen.
  bool sees(std::string const& text) {
    while (screen_.find(text) == screen_.npos && processes::readable(master_.get())) {
      char some[1024];
      ssize_t const n = ::read(master_.get(), some, sizeof some);
      if (n <= 0) break;
      screen_.append(some, static_cast<std::size_t>(n));
    }
    return screen_.find(text) != screen_.npos;
  }
  std::string const& screen() const { return screen_; }
  int code() { return client_->wait().code; }

 private:
  own_fd master_;
  std::unique_ptr<program> client_;
  std::string screen_;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(procx_jobs_terminal, jobs_fixture)

BOOST_AUTO_TEST_CASE(a_job_with_a_terminal_knows_which_it_is) {
  start("one", "test -t 0 && test -t 1 && test -t 2 && tty; ps -o tpgid= $$ | grep -q $$ && echo foreground; exec sleep 1000", {"--pty"});
  BOOST_REQUIRE(eventually([&] { return content("one.log").find("foreground") != std::string::npos; }));
  BOOST_TEST(content("one.log").starts_with("/dev/pts/"));
  BOOST_TEST(status("one", "terminal") == "true");
}

BOOST_AUTO_TEST_CASE(all_that_was_written_before_the_end_arrives) {
  for (int i = 0; i < 10; ++i) {
    auto const e = procx({"start", "--watch", "30", "--pty", "one", "--", "/bin/sh", "-c", "seq 1000; exit 2"});
    BOOST_TEST(e.code == 2);
    BOOST_TEST(procx({"logs", "one"}).out.ends_with("\n999\r\n1000\r\n"));
  }
}

BOOST_AUTO_TEST_CASE(keys_go_to_the_command_and_the_size_of_the_window_too) {
  start("one", "while read word; do echo \"<$word>\"; stty size; done", {"--pty"});
  person p({"attach", "one"});
  p.type("hello\r");
  BOOST_TEST(p.sees("<hello>\r\n33 77\r\n"), p.screen());
  p.resize(44, 99);
  p.type("again\r");
  BOOST_TEST(p.sees("44 99\r\n"), p.screen());
  p.type("\x04");  // ^D
  BOOST_TEST(p.code() == 0);
}

BOOST_AUTO_TEST_CASE(an_interruption_goes_to_the_command) {
  start("one", "echo ready; exec sleep 1000", {"--pty"});
  person p({"attach", "one"});
  BOOST_TEST(p.sees("ready"));
  p.type("\x03");  // ^C
  BOOST_TEST(p.code() == 128 + SIGINT);
}

BOOST_AUTO_TEST_CASE(a_key_leaves_the_job_which_goes_on) {
  start("one", "while read word; do echo \"<$word>\"; done", {"--pty"});
  for (std::string const key : {"\x1c", "\x01"}) {
    person p(key == "\x01" ? std::vector<std::string>{"attach", "one", "--detach-key", "^A"} : std::vector<std::string>{"attach", "one"});
    p.type("hello\r");
    BOOST_TEST(p.sees("<hello>"), p.screen());
    p.type(key);
    BOOST_TEST(p.sees("detached from one"), p.screen());
    BOOST_TEST(p.code() == 0);
    BOOST_TEST(status("one", "state") == "\"running\"");
  }
}

BOOST_AUTO_TEST_CASE(input_that_is_no_terminal_is_typed_and_so_is_its_end) {
  start("one", "stty -echo; echo ready; cat; echo end", {"--pty"});
  BOOST_REQUIRE(eventually([&] { return content("one.log") == "ready\r\n"; }));
  auto const e = shell("echo word | $procx attach one");
  BOOST_TEST(e.out == "ready\r\nword\r\nend\r\n");
  BOOST_TEST(e.code == 0);
}

BOOST_AUTO_TEST_CASE(what_holds_the_terminal_after_the_command_is_not_waited_for) {
  auto const e = procx({"start", "--watch", "30", "--pty", "one", "--", "/bin/sh", "-c", "trap '' HUP; sleep 1000 & echo out; exit 8"});
  BOOST_TEST(e.code == 8);
  BOOST_TEST(procx({"attach", "one"}).out == "out\r\n");
  BOOST_TEST(status("one", "processes") == "1");
}

BOOST_AUTO_TEST_SUITE_END()
