#include "page.hpp"

#include "page_parts.hpp"

#include <fmt/format.h>

#include <random>
#include <string_view>
#include <unordered_map>

namespace etl {
namespace {

std::string escaped(std::string_view text) {
  std::string html;
  for (char const c : text) {
    switch (c) {
      case '<': html += "&lt;"; break;
      case '>': html += "&gt;"; break;
      case '&': html += "&amp;"; break;
      case '"': html += "&quot;"; break;
      default: html += c;
    }
  }
  return html;
}

/// Which scripts are the page's own: a browser runs no others, whatever a log should have got into it.
std::string new_nonce() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace

std::string make_page(std::string const& title, std::string const& data) {
  std::unordered_map<std::string_view, std::string> const parts{
      {"nonce", new_nonce()},
      {"title", escaped(title)},
      {"license", page_parts::uplot_license},
      {"uplot.css", page_parts::uplot_css},
      {"uplot.js", page_parts::uplot_script},
      {"page.css", page_parts::css},
      {"page.js", page_parts::script},
      {"data", data},
  };
  std::string page;
  std::string_view rest = page_parts::html;
  for (std::size_t at = rest.find("{{"); at != rest.npos; at = rest.find("{{")) {
    std::size_t const end = rest.find("}}", at);
    page += rest.substr(0, at);
    page += parts.at(rest.substr(at + 2, end - at - 2));
    rest.remove_prefix(end + 2);
  }
  return page += rest;
}

}  // namespace etl
