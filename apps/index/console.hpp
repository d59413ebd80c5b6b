#pragma once

#include "console/display.hpp"
#include "console/failure.hpp"
#include "console/interruption.hpp"
#include "console/output.hpp"

namespace indexer {

using namespace console;

}  // namespace indexer
