#pragma once

#include <boost/version.hpp>

#if BOOST_VERSION < 108100
#error "procx needs Boost 1.81 or newer (Debian: libboost1.81-all-dev)"
#endif

/// The version of procx, `major * 10'000 + minor * 100 + patch`.
#define PROCX_VERSION 100
