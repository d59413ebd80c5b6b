#define BOOST_TEST_MODULE index_interrupted
#include "apps/index_fixture.hpp"

namespace {

/// One tree for all cases, and what the checksum of its index is when nothing disturbs the build.
struct shared_tree : index_fixture {
  shared_tree() {
    fill(400);
    expected = undisturbed();
  }
  std::string expected;

  static shared_tree const& get() {
    static shared_tree const tree;
    return tree;
  }
};

/// A build that has just stored the first of four batches.
struct build_under_way {
  build_under_way() : on(shared_tree::get()) {
    fs::remove(on.index());
    build.emplace(on.command(on.build_arguments({"-j", "1"})));
    BOOST_REQUIRE(on.storing(*build));
  }
  shared_tree const& on;
  std::optional<program> build;

  void goes_on_where_it_stopped() const {
    BOOST_TEST(!contains(on.run({"stats", on.index()}).out, "indexed    400"));
    on.checksum();
    BOOST_TEST(on.build().code == 0);
    BOOST_TEST(on.checksum() == on.expected);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(index_interrupted, build_under_way)

BOOST_AUTO_TEST_CASE(ctrl_c_leaves_what_was_done_and_the_next_build_goes_on) {
  build->signal_all(SIGINT);
  ended const e = build->wait();
  BOOST_TEST(e.code == 130);
  BOOST_TEST(contains(e.err, "interrupted"));
  BOOST_TEST(!contains(e.err, "failed"));
  BOOST_TEST(!e.out.starts_with("0 "));
  goes_on_where_it_stopped();
}

BOOST_AUTO_TEST_CASE(a_termination_of_the_whole_group_does_not_blame_files) {
  build->signal_all(SIGTERM);
  ended const e = build->wait();
  BOOST_TEST(e.code == 143);
  BOOST_TEST(!contains(e.err, "failed"));
  goes_on_where_it_stopped();
}

BOOST_AUTO_TEST_CASE(a_kill_leaves_a_valid_index) {
  build->signal(SIGKILL);
  BOOST_TEST(build->wait().code == 137);
  goes_on_where_it_stopped();
}

BOOST_AUTO_TEST_CASE(a_second_build_of_the_same_index_is_refused) {
  build->signal_all(SIGSTOP);
  ended const second = on.run(on.build_arguments());
  BOOST_TEST(second.code == 3);
  BOOST_TEST(contains(second.err, "another build is writing " + on.index().string() + " (process " + std::to_string(build->pid()) + ")"));
  BOOST_TEST(on.search({"nothing"}).code == 1);  // what has been committed can be searched meanwhile
  build->signal_all(SIGCONT);
  BOOST_TEST(build->wait().code == 0);
  BOOST_TEST(on.checksum() == on.expected);
  BOOST_TEST(!fs::exists(on.index().string() + ".lock"));
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_killed_is_replaced_and_no_file_is_blamed) {
  std::vector<pid_t> const workers = descendants(build->pid());
  BOOST_REQUIRE(!workers.empty());
  ::kill(workers.back(), SIGKILL);
  ended const e = build->wait();
  BOOST_TEST(e.code == 0);
  BOOST_TEST(contains(e.out, "400 files indexed"));
  BOOST_TEST(on.checksum() == on.expected);
}

BOOST_AUTO_TEST_SUITE_END()
