#pragma once

namespace etl::page_parts {

// Of files in page/, and of uPlot: apps/etl/page/embed makes them when the program is built.
extern char const html[], css[], script[], uplot_css[], uplot_script[], uplot_license[];

}  // namespace etl::page_parts
