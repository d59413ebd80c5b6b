#pragma once

#include <string>

namespace etl {

/// The page, in one piece that loads nothing: the data is JSON as json_writer makes it.
std::string make_page(std::string const& title, std::string const& data);

}  // namespace etl
