// A client in another language that knows docs/protocol.md and nothing else.
#define BOOST_TEST_MODULE python_client
#include "support/daemon_scene.hpp"

#include <cstdlib>

using namespace daemon_scene;

BOOST_FIXTURE_TEST_SUITE(python, scene)

BOOST_AUTO_TEST_CASE(a_client_in_python_calls_and_is_answered) {
  start();
  std::string const command = "python3 test/daemon/client.py '" + address.string() + '\'';
  BOOST_TEST(std::system(command.c_str()) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
