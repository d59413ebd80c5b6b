#define BOOST_TEST_MODULE faults
#include <procx/channel/start.hpp>

#include "channel/channel_core.hpp"
#include "support/processes.hpp"
#include "support/transports.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace px = procx;
using namespace processes;
using namespace std::chrono_literals;

namespace {

/// How receiving fails, which it must: as `process_died`.
px::process_died death_of(px::channel& ch) {
  try {
    ch.receive<int>();
  } catch (px::process_died const& e) {
    return e;
  }
  BOOST_FAIL("a value came");
  throw 0;
}

void die_by(int signal) {
  rlimit const no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::signal(signal, SIG_DFL);  // a sanitizer may have its own idea
  ::raise(signal);
}

/// Writes to the channel's descriptor what is no frame.
void write_raw(px::channel& up, std::string const& bytes) {
  if (::write(up.core().wire().out_fd(), bytes.data(), bytes.size()) < 0) ::_exit(77);
}

void close_raw(px::channel& up) {
  int const in = up.core().wire().in_fd(), out = up.core().wire().out_fd();
  ::close(in);
  if (out != in) ::close(out);
}

void wait_for_end(own_pipe& gate) {
  gate.write.close();
  read_all(gate.read.get());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(faults)

BOOST_DATA_TEST_CASE(nothing_is_sent_into_a_file_that_took_the_number_of_a_closed_channel, transports, via) {
  std::string const name = "/tmp/procx.faults." + std::to_string(::getpid());
  px::channel ch = px::start({.via = via}, [&](px::channel& up) {
    ::close_range(3, ~0u, 0);
    int const own = ::open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    for (int fd = own + 1; fd < 64; ++fd) ::dup2(own, fd);
    if (::write(own, "own words", 9) != 9) ::_exit(77);
    up.send(1);
  });
  BOOST_CHECK_THROW(ch.receive<int>(), px::error);
  ch.wait();
  std::string text;
  std::getline(std::ifstream(name), text, '\0');
  ::unlink(name.c_str());
  BOOST_TEST(text == "own words");
}

BOOST_DATA_TEST_CASE(a_death_by_signal_is_told_with_the_signal, transports, via) {
  for (int signal : {SIGKILL, SIGSEGV, SIGABRT, SIGTERM}) {
    px::channel ch = px::start({.via = via}, [=](px::channel&) { die_by(signal); });
    pid_t const pid = ch.pid();
    auto const e = death_of(ch);
    BOOST_TEST(e.status().signal() == signal);
    BOOST_TEST(e.pid() == pid);
    BOOST_TEST((e.code() == px::errc::process_died));
    BOOST_TEST(ch.wait().signal() == signal);
    BOOST_CHECK_THROW(ch.receive<int>(), px::process_died);  // again and again
    BOOST_CHECK_THROW(ch.try_receive<int>(), px::process_died);
  }
}

BOOST_AUTO_TEST_CASE(its_last_words_are_told_with_it) {
  stderr_capture capture;
  px::channel ch = px::start([](px::channel&) {
    std::cerr << "the disk is full" << std::endl;
    die_by(SIGABRT);
  });
  auto const e = death_of(ch);
  BOOST_TEST(e.stderr_tail() == "the disk is full\n");
  BOOST_TEST(std::string(e.what()).find("the disk is full") != std::string::npos);
  BOOST_TEST(std::string(e.what()).find("SIGABRT") != std::string::npos);
  BOOST_TEST(ch.stderr_tail() == "the disk is full\n");
  BOOST_TEST(capture.text() == "the disk is full\n");
}

BOOST_AUTO_TEST_CASE(values_it_sent_before_it_died_arrive) {
  px::channel ch = px::start([](px::channel& up) {
    up.send(1);
    up.send(2);
    die_by(SIGKILL);
  });
  BOOST_TEST(ch.receive<int>() == 1);
  BOOST_TEST(ch.receive<int>() == 2);
  BOOST_CHECK_THROW(ch.receive<int>(), px::process_died);
}

BOOST_AUTO_TEST_CASE(half_a_value_is_none) {
  px::channel ch = px::start([](px::channel& up) {
    up.send(std::string(10, 'a'));
    write_raw(up, std::string("\x64\0\0\0\0\0\x01\0", 8) + std::string(20, '\0'));  // 100 bytes announced
    die_by(SIGKILL);
  });
  BOOST_TEST(ch.receive<std::string>() == "aaaaaaaaaa");
  BOOST_CHECK_THROW(ch.receive<std::string>(), px::process_died);
}

BOOST_AUTO_TEST_CASE(leaving_without_an_answer_is_told_by_its_code) {
  px::channel three = px::start([](px::channel&) { ::_exit(3); });
  BOOST_TEST(death_of(three).status() == px::exit_status::of_code(3));
  px::channel exited = px::start([](px::channel&) { std::quick_exit(4); });
  BOOST_TEST(death_of(exited).status() == px::exit_status::of_code(4));
  px::channel zero = px::start([](px::channel&) { ::_exit(0); });
  BOOST_CHECK_THROW(zero.receive<int>(), px::end_of_channel);
  BOOST_TEST(zero.wait().success());
}

BOOST_DATA_TEST_CASE(garbage_ends_the_channel_with_an_error_that_says_so, transports, via) {
  px::channel ch = px::start({.via = via}, [](px::channel& up) {
    write_raw(up, "this is not a frame, nor was it ever meant to be");
    up.receive<int>();
  });
  try {
    ch.receive<int>();
    BOOST_ERROR("a value came");
  } catch (px::protocol_error const& e) {
    BOOST_TEST(std::string(e.what()).find("no frame") != std::string::npos);
  }
  BOOST_CHECK_THROW(ch.try_receive<int>(), px::protocol_error);
  BOOST_TEST(ch.kill(SIGKILL));
  BOOST_TEST(ch.wait().signal() == SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_length_that_is_not_to_be_believed_is_refused_before_memory_is_reserved) {
  px::channel ch = px::start([](px::channel& up) {
    write_raw(up, std::string("\xff\xff\xff\xff\xff\xff\x01\0", 8) + std::string(8, '\0'));
    up.receive<int>();
  });
  try {
    ch.receive<std::string>();
    BOOST_ERROR("a value came");
  } catch (px::protocol_error const& e) {
    BOOST_TEST((e.code() == px::errc::value_too_large));
  }
}

BOOST_AUTO_TEST_CASE(an_exception_that_makes_no_sense_is_a_protocol_error) {
  px::channel ch = px::start([](px::channel& up) {
    write_raw(up, std::string("\x03\0\0\0\0\0\x02\0", 8) + std::string(8, '\0') + "abc");
    up.receive<int>();
  });
  BOOST_CHECK_THROW(ch.receive<int>(), px::protocol_error);
}

BOOST_AUTO_TEST_CASE(one_that_closes_its_channel_and_lives_on_is_told_from_one_that_died) {
  own_pipe gate;
  px::channel ch = px::start([&](px::channel& up) {
    close_raw(up);
    wait_for_end(gate);
    ::_exit(0);
  });
  BOOST_CHECK_THROW(ch.receive<int>(), px::end_of_channel);
  BOOST_TEST(!ch.try_wait());
  auto const start = std::chrono::steady_clock::now();
  BOOST_TEST(!ch.try_receive<int>());  // never waits
  BOOST_TEST((std::chrono::steady_clock::now() - start < 500ms));
  gate.write.close();
  BOOST_TEST(ch.wait().success());
}

BOOST_AUTO_TEST_CASE(one_that_closes_in_good_order_and_lives_on_is_at_its_end_at_once) {
  own_pipe gate;
  px::channel ch = px::start([&](px::channel& up) {
    up.send(1);
    up.close();
    wait_for_end(gate);
  });
  BOOST_TEST(ch.receive<int>() == 1);
  BOOST_CHECK_THROW(ch.receive<int>(), px::end_of_channel);
  BOOST_TEST(!ch.try_receive<int>());
  BOOST_TEST(!ch.try_wait());
  gate.write.close();
  BOOST_TEST(ch.wait().success());
}

BOOST_DATA_TEST_CASE(its_death_is_seen_though_a_copy_of_it_lives_on_with_the_channel, transports, via) {
  own_pipe gate;
  px::channel ch = px::start({.via = via}, [&](px::channel& up) {
    up.send(1);
    if (::fork() == 0) {
      wait_for_end(gate);
      ::_exit(0);
    }
    die_by(SIGKILL);
  });
  BOOST_TEST(ch.receive<int>() == 1);
  BOOST_TEST(death_of(ch).status().signal() == SIGKILL);
}

BOOST_AUTO_TEST_CASE(it_is_seen_as_well_by_who_has_waited_first) {
  own_pipe gate;
  px::channel ch = px::start([&](px::channel& up) {
    up.send(1);
    if (::fork() == 0) {
      wait_for_end(gate);
      ::_exit(0);
    }
    ::_exit(5);
  });
  own_fd const end = pidfd_of(ch.pid());
  BOOST_TEST(readable(end.get()));
  BOOST_TEST(ch.try_wait().value().code() == 5);
  BOOST_TEST(ch.receive<int>() == 1);
  BOOST_TEST(death_of(ch).status().code() == 5);
}

BOOST_DATA_TEST_CASE(sending_to_one_that_died_ends_though_a_copy_of_it_never_reads, transports, via) {
  own_pipe gate;
  px::channel ch = px::start({.via = via}, [&](px::channel&) {
    if (::fork() == 0) {
      wait_for_end(gate);
      ::_exit(0);
    }
    die_by(SIGKILL);
  });
  std::string const much(4 << 20, 'x');
  BOOST_CHECK_THROW(ch.send(much), px::process_died);
}

BOOST_AUTO_TEST_CASE(the_copy_it_forks_may_do_as_it_likes) {
  px::channel ch = px::start([](px::channel& up) {
    pid_t const copy = ::fork();
    if (copy == 0) {
      try {
        up.send(99);
      } catch (px::error const& e) {
        ::_exit(e.code() == px::errc::foreign_process ? 0 : 1);
      }
      ::_exit(2);
    }
    int status = -1;
    ::waitpid(copy, &status, 0);
    up.send(WEXITSTATUS(status));
  });
  BOOST_TEST(ch.receive<int>() == 0);
  BOOST_CHECK_THROW(ch.receive<int>(), px::end_of_channel);
}

BOOST_AUTO_TEST_CASE(a_copy_that_returns_from_the_callable_too_says_nothing_on_the_channel) {
  px::channel ch = px::start([](px::channel& up) {
    pid_t const copy = ::fork();
    if (copy == 0) return;  // goes on like the other
    ::waitpid(copy, nullptr, 0);
    up.send(7);
  });
  BOOST_TEST(ch.receive<int>() == 7);
  BOOST_TEST(ch.wait().success());
}

BOOST_AUTO_TEST_CASE(one_that_changes_its_directory_and_its_umask_changes_nobody_elses) {
  auto const here = std::filesystem::current_path();
  px::channel ch = px::start([](px::channel& up) {
    std::filesystem::current_path("/");
    up.send(std::filesystem::current_path().string());
    throw std::runtime_error("from elsewhere");
  });
  BOOST_TEST(ch.receive<std::string>() == "/");
  BOOST_CHECK_THROW(ch.receive<int>(), px::remote_exception);
  BOOST_TEST(std::filesystem::current_path() == here);
}

BOOST_DATA_TEST_CASE(sending_to_one_that_has_died_says_so_and_raises_no_signal, transports, via) {
  px::channel ch = px::start({.via = via}, [](px::channel&) { die_by(SIGKILL); });
  own_fd const end = pidfd_of(ch.pid());
  BOOST_TEST(readable(end.get()));
  BOOST_CHECK_THROW(ch.send(1), px::process_died);
  BOOST_CHECK_THROW(ch.send(2), px::process_died);
}

BOOST_AUTO_TEST_CASE(one_whose_creator_closes_finds_its_channel_at_an_end) {
  own_pipe result;
  px::channel ch = px::start([&](px::channel& up) {
    try {
      up.receive<int>();
    } catch (px::end_of_channel const&) {
      try {
        for (;;) up.send(std::string(100'000, 'x'));
      } catch (px::end_of_channel const&) {
        if (::write(result.write.get(), "both", 4) != 4) ::_exit(1);
      }
    }
  });
  result.write.close();
  ch.close();
  BOOST_TEST(read_all(result.read.get()) == "both");
  BOOST_CHECK_THROW(ch.send(1), px::end_of_channel);
  BOOST_TEST(ch.wait().success());
}

BOOST_AUTO_TEST_SUITE_END()
