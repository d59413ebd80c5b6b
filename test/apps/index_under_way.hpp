#pragma once

#include "apps/index_fixture.hpp"

/// One tree for all cases, and what the checksum of its index is when nothing disturbs the build.
struct shared_tree : index_fixture {
  shared_tree() {
    fill(300);
    expected = undisturbed();
  }
  std::string expected;

  static shared_tree const& get() {
    static shared_tree const tree;
    return tree;
  }
};

/// A build that has just stored the first of three batches.
struct build_under_way {
  build_under_way() : on(shared_tree::get()) {
    fs::remove(on.index());
    build.emplace(on.command(on.build_arguments({"-j", "1"})));
    BOOST_REQUIRE(on.storing(*build));
  }
  shared_tree const& on;
  std::optional<program> build;

  void goes_on_where_it_stopped() const {
    BOOST_TEST(!contains(on.run({"stats", on.index()}).out, "indexed    300"));
    on.checksum();
    BOOST_TEST(on.build().code == 0);
    BOOST_TEST(on.checksum() == on.expected);
  }
};
