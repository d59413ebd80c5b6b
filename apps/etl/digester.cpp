#include "digester.hpp"

#include "clean_text.hpp"
#include "robots.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace etl {
namespace {

constexpr std::size_t longest_path = 256, longest_referrer = 256, longest_agent = 256, kept_of_long_line = 4096;
constexpr std::string_view not_http = "(not HTTP)";

/// Whether a path is one that a person looks at, and not a part of such a page: it has no ending, or that of a document,
/// and is not below /api/.
bool is_page(std::string_view path) {
  if (path.starts_with("/api/")) return false;
  std::string_view const name = path.substr(path.rfind('/') + 1);
  auto const dot = name.rfind('.');
  if (dot == name.npos) return true;
  std::string_view const ending = name.substr(dot + 1);
  static constexpr std::array<std::string_view, 12> documents{"html", "htm",  "xhtml", "shtml", "php", "asp",
                                                              "aspx", "jsp", "cgi",   "md",    "do",  "pl"};
  return std::ranges::find(documents, ending) != documents.end();
}

bool may_view(std::string_view method) { return method == "GET" || method == "POST"; }

/// Removes scheme, query and fragment: host and path say where a visitor came from.
std::string_view place_of(std::string_view url) {
  if (auto const scheme = url.find("://"); scheme != url.npos && scheme <= 12) url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of("?#;"));
}

}  // namespace

digest digester::read(std::string_view lines) {
  out_ = {};
  first_time_ = last_time_ = 0;
  minute_ = 0;
  latest_minute_ = -1;
  std::string_view rest = lines;
  while (!rest.empty()) {
    void const* const feed = std::memchr(rest.data(), '\n', rest.size());
    std::size_t const size = feed ? static_cast<std::size_t>(static_cast<char const*>(feed) - rest.data()) : rest.size();
    read_line(rest.substr(0, size), lines);
    ++out_.lines;
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  out_.bytes = lines.size();
  out_.time = std::min(first_time_, last_time_);
  finish();
  return std::move(out_);
}

void digester::read_line(std::string_view line, std::string_view all) {
  log_line fields;
  flaw const found = line.size() > longest_line ? flaw::too_long : reader_.read(line, fields);
  if (found == flaw::none) return count(fields);
  set_aside(line, static_cast<std::uint64_t>(line.data() - all.data()), found);
}

void digester::set_aside(std::string_view line, std::uint64_t offset, flaw why) {
  if (why == flaw::too_long) line = line.substr(0, kept_of_long_line);
  text_place const text{static_cast<std::uint32_t>(out_.text.size()), static_cast<std::uint32_t>(line.size())};
  out_.text += line;
  out_.flawed.push_back({out_.lines, offset, text, why, 0});
}

period_row& digester::minute_of(epoch_seconds time) {
  epoch_seconds const begin = time - time % 60;
  auto& all = out_.minutes;
  if (minute_ < all.size() && all[minute_].begin == begin) return all[minute_];
  for (minute_ = begin > latest_minute_ ? 0 : all.size(); minute_-- > 0;)
    if (all[minute_].begin == begin) return all[minute_];
  latest_minute_ = std::max(latest_minute_, begin);
  minute_ = all.size();
  all.push_back({});
  all.back().begin = begin;
  return all.back();
}

void digester::count(log_line const& line) {
  ++out_.requests;
  if (first_time_ == 0) first_time_ = line.time;
  last_time_ = line.time;
  auto const bytes = static_cast<std::uint64_t>(line.bytes);
  bool const client_error = line.status >= 400 && line.status < 500, server_error = line.status >= 500 && line.status < 600;

  std::uint64_t const agent_hash = hash_of(line.agent);
  agent_counts& agent = agents_[agents_.find(line.agent, agent_hash)];
  if (agent.requests++ == 0) agent.robot = is_robot(line.agent);
  agent.bytes += bytes;

  auto const [method, path_text] = target_of(line.request);
  std::uint32_t const path_number = paths_.find(path_text.empty() ? not_http : path_text);
  path_counts& path = paths_[path_number];
  if (!path.known) {
    path.known = true;
    path.page = !path_text.empty() && is_page(path_text);
    path.robots_txt = path_text == "/robots.txt";
  }
  bool const view = path.page && !agent.robot && line.status < 400 && may_view(method);
  path.views += view;
  path.view_bytes += view ? bytes : 0;
  path.errors += client_error || server_error;
  path.server_errors += server_error;

  if (view && line.referrer != "-" && !line.referrer.empty()) ++referrers_[referrers_.find(place_of(line.referrer))].views;
  ++statuses_[line.status].requests;
  statuses_[line.status].bytes += bytes;

  period_row& minute = minute_of(line.time);
  ++minute.requests;
  minute.client_errors += client_error;
  minute.server_errors += server_error;
  minute.robots += agent.robot;
  minute.bytes += bytes;
  if (line.duration >= 0) {
    auto const duration = static_cast<std::uint64_t>(line.duration);
    ++path.timed;
    path.duration += duration;
    path.longest = std::max(path.longest, duration);
    minute.duration += duration;
    durations_.push_back(static_cast<std::uint64_t>(minute_) << 32 | histogram::bucket_of(duration));
  }
  if (!agent.robot) visits_.add(hash_of(line.address, agent_hash), line, view ? path_number + 1 : 0, path.robots_txt);
}

text_place digester::add_text(std::string_view raw, std::size_t most) {
  auto const at = static_cast<std::uint32_t>(out_.text.size());
  return {at, static_cast<std::uint32_t>(append_clean(out_.text, raw, most))};
}

void digester::finish_texts() {
  for (auto const& [text, hash, p] : paths_.records())
    out_.paths.push_back({add_text(text, longest_path), p.views, p.view_bytes, p.errors, p.server_errors, p.timed, p.duration, p.longest});
  for (auto const& [text, hash, r] : referrers_.records())
    out_.referrers.push_back({add_text(text, longest_referrer), r.views});
  for (auto const& [text, hash, a] : agents_.records())
    out_.agents.push_back({add_text(text, longest_agent), a.requests, a.bytes, a.robot});
  paths_.clear();
  referrers_.clear();
  agents_.clear();
}

void digester::finish_durations() {
  std::ranges::sort(durations_);
  for (std::uint64_t const one : durations_) {
    period_row& minute = out_.minutes[one >> 32];
    auto const bucket = static_cast<histogram::bucket>(one);
    if (minute.entries == 0) minute.first_entry = out_.durations.size();
    if (minute.entries == 0 || out_.durations.back().which != bucket) {
      out_.durations.push_back({bucket, 0, 0});
      ++minute.entries;
    }
    ++out_.durations.back().count;
  }
  durations_.clear();
}

void digester::finish() {
  finish_texts();
  finish_durations();
  out_.visits = visits_.take();
  for (std::size_t status = 0; status < statuses_.size(); ++status) {
    status_counts& s = statuses_[status];
    if (s.requests > 0) out_.statuses.push_back({status, s.requests, s.bytes});
    s = {};
  }
}

}  // namespace etl
