#define BOOST_TEST_MODULE environment
#include <procx/channel/program.hpp>
#include <procx/channel/start.hpp>

#include "support/processes.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

namespace px = procx;
namespace data = boost::unit_test::data;
namespace fs = std::filesystem;
using namespace processes;

namespace {

fs::path const program = PROCX_TEST_SUPPORT "/image";
constexpr uid_t nobody = 65534;

/// A copy of the program that runs as root whoever executes it.
class set_user_id_copy {
 public:
  set_user_id_copy() {
    std::string name = (fs::temp_directory_path() / "procx-XXXXXX").string();
    if (!::mkdtemp(name.data())) std::terminate();
    folder_ = name;
    ::chmod(folder_.c_str(), 0755);
    fs::copy_file(program, path());
    ::chmod(path().c_str(), 04755);
  }
  ~set_user_id_copy() { fs::remove_all(folder_); }
  fs::path path() const { return folder_ / "image"; }

 private:
  fs::path folder_;
};

boost::test_tools::assertion_result rights_can_be_given(boost::unit_test::test_unit_id) {
  struct statvfs place {};
  boost::test_tools::assertion_result result(::geteuid() == 0 && ::statvfs(fs::temp_directory_path().c_str(), &place) == 0 &&
                                             (place.f_flag & ST_NOSUID) == 0 && !sanitized);
  result.message() << "only root can give away rights, where files may have any, and sanitizers mind";
  return result;
}

/// What it prints when somebody executes it who offers it a channel, as if it were to be a clean image.
std::string printed_with_a_channel(fs::path const& executed, char const* what, uid_t user) {
  own_pipe offered, back, out;
  offered.write.close();  // nothing comes from there
  int const code = code_of_fork([&] {
    ::dup2(out.write.get(), STDOUT_FILENO);
    out.write.close();
    auto const place = std::to_string(offered.read.get()) + ',' + std::to_string(back.write.get()) + ",1000000,0";
    ::setenv("PROCX_IMAGE", place.c_str(), 1);
    if (user != ::getuid() && ::setuid(user) != 0) return 126;
    ::execl(executed.c_str(), "image", what, nullptr);
    return 127;
  });
  out.write.close();
  return code == 0 ? read_all(out.read.get()) : "it ended with " + std::to_string(code);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(what_the_environment_says)

BOOST_AUTO_TEST_CASE(is_forgotten_in_a_process_that_procx_has_not_executed) {
  BOOST_TEST(printed_with_a_channel(program, "main", ::getuid()) == "main, alone");
}

BOOST_AUTO_TEST_CASE(is_not_passed_on_to_one_that_the_program_executes_itself) {
  BOOST_TEST(printed_with_a_channel(program, "again", ::getuid()) == "main, alone");
}

BOOST_AUTO_TEST_CASE(gives_way_to_what_procx_says_to_a_clean_image) {
  BOOST_TEST(printed_with_a_channel(program, "clean", ::getuid()) == "clean image 1");
}

BOOST_AUTO_TEST_CASE(gives_way_to_what_procx_says_to_a_program) {
  ::setenv("PROCX_CHANNEL", "0,1,1000000,0", 1);
  px::channel c = px::start_program(program, {"channel"});
  ::unsetenv("PROCX_CHANNEL");
  BOOST_TEST(c.receive<int>() == 1);
  BOOST_TEST(c.wait().success());
}

BOOST_AUTO_TEST_CASE(is_forgotten_in_a_set_user_id_program, *boost::unit_test::precondition(rights_can_be_given)) {
  set_user_id_copy const copy;
  BOOST_TEST(printed_with_a_channel(copy.path(), "main", nobody) == "main, alone");
}

BOOST_AUTO_TEST_CASE(makes_no_clean_image_of_a_set_user_id_program, *boost::unit_test::precondition(rights_can_be_given)) {
  set_user_id_copy const copy;
  BOOST_TEST(printed_with_a_channel(copy.path(), "clean", nobody) == "not permitted");
}

BOOST_AUTO_TEST_SUITE_END()
