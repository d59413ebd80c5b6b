#pragma once

#include <procx/endpoint/transport.hpp>

#include <boost/test/data/monomorphic.hpp>

#include <ostream>

namespace procx::inline v1 {

inline std::ostream& operator<<(std::ostream& out, transport via) {
  return out << (via == transport::pipe ? "pipe" : "socket");
}

}  // namespace procx::inline v1

/// Every way to carry frames, for test cases that are to hold for each.
inline auto const transports =
    boost::unit_test::data::make({procx::transport::pipe, procx::transport::socket});
