#include "robots.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace etl {
namespace {

constexpr std::array<std::string_view, 52> marks{
    // what they are
    "crawl", "spider", "slurp", "scrap", "archiver", "validator", "monitor", "uptime", "feed", "fetch", "preview", "scanner",
    "headless", "lighthouse", "indexer", "checker", "link check", "://",
    // libraries and tools
    "curl/", "wget", "python", "java/", "go-http-client", "libwww", "httpclient", "http-client", "http_request", "axios/",
    "node-fetch", "okhttp/", "guzzle", "ruby", "perl", "aiohttp", "restsharp", "postman", "apachebench", "siege/", "wrk/",
    "zgrab", "masscan", "nmap", "nikto", "sqlmap", "nuclei",
    // services
    "facebookexternalhit", "mediapartners", "pingdom", "statuscake", "nagios", "check_http", "zabbix"};

/// "bot" as a word of its own or the end of one: Googlebot, bot/1.0; not Cubot, which is a telephone, or bottle.
bool names_a_bot(std::string_view agent) {
  for (std::size_t at = agent.find("bot"); at != agent.npos; at = agent.find("bot", at + 1)) {
    bool const letter_behind = at + 3 < agent.size() && agent[at + 3] >= 'a' && agent[at + 3] <= 'z';
    bool const telephone = at >= 2 && agent.substr(at - 2, 2) == "cu";
    if (!telephone && (!letter_behind || agent.substr(at).starts_with("bots"))) return true;
  }
  return false;
}

}  // namespace

bool is_robot(std::string_view agent) {
  if (agent.empty() || agent == "-") return true;
  std::string small(agent.substr(0, 512));
  std::ranges::transform(small, small.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return names_a_bot(small) ||
         std::ranges::any_of(marks, [&](std::string_view mark) { return small.find(mark) != small.npos; });
}

}  // namespace etl
