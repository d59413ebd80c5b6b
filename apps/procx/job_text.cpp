#include "job_text.hpp"

#include "console/display.hpp"
#include "job_places.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <iterator>

namespace px = procx;

namespace {

using clock_type = std::chrono::system_clock;

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    std::size_t const n = console::character_length(text);
    char const c = text[0];
    if (n == 0)
      out += "\xef\xbf\xbd";
    else if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    else
      out += text.substr(0, n);
    text.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return out + '"';
}

std::string time_of(clock_type::time_point t) {
  auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(clock_type::to_time_t(t)), ms % 1000);
}

std::string shown_moment(clock_type::time_point t) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(clock_type::to_time_t(t)));
}

std::string shown_command(px::job_status const& job) {
  std::string text;
  for (std::string const& word : job.command) {
    bool const plain = !word.empty() && word.find_first_of(" \t\n'\"\\$`*?[]{}()<>|&;#~") == word.npos;
    if (!text.empty()) text += ' ';
    text += plain ? console::shown_path(word) : '\'' + word + '\'';
  }
  return console::shown_line(text, 0, 1000);
}

char const* name_of(px::job_state s) {
  switch (s) {
    case px::job_state::running: return "running";
    case px::job_state::ended: return "ended";
    default: return "lost";
  }
}

bool has_ended(px::job_status const& job) { return job.state == px::job_state::ended; }

clock_type::duration age_of(px::job_status const& job) { return (has_ended(job) ? job.ended : clock_type::now()) - job.began; }

}  // namespace

std::string json_of(px::job_status const& job) {
  std::string out = fmt::format("{{\"address\":{},\"state\":\"{}\"", json_quoted(job.address.string()), name_of(job.state));
  auto const add = [&](char const* name, auto const& value) { out += fmt::format(",\"{}\":{}", name, value); };
  if (has_ended(job) && job.status.exited()) add("exit_code", job.status.code());
  if (has_ended(job) && job.status.signaled()) add("signal", job.status.signal());
  std::string words;
  for (std::string const& word : job.command) words += (words.empty() ? "" : ",") + json_quoted(word);
  add("command", '[' + words + ']');
  add("folder", json_quoted(job.folder.string()));
  add("terminal", job.terminal);
  add("pid", job.pid);
  add("supervisor", job.supervisor);
  add("processes", job.processes);
  if (job.state != px::job_state::lost) add("output_bytes", job.output);
  add("log", json_quoted(job.address.string() + ".log"));
  add("began", json_quoted(time_of(job.began)));
  if (has_ended(job)) add("ended", json_quoted(time_of(job.ended)));
  return out + "}";
}

std::string state_of(px::job_status const& job) {
  std::string text = has_ended(job) ? job.status.to_string() : name_of(job.state);
  if (job.state == px::job_state::lost) text += ": its supervisor was killed";
  if (job.processes > 0 && job.state != px::job_state::running)
    text += fmt::format(", {} process{} left", job.processes, job.processes == 1 ? "" : "es");
  return text;
}

std::string description_of(px::job_status const& job) {
  std::string out = fmt::format("{}: {}\n", shown_address(job.address), state_of(job));
  auto const add = [&](char const* name, auto const& value) { out += fmt::format("  {:<9} {}\n", name, value); };
  add("command", shown_command(job));
  add("folder", console::shown_path(job.folder.string()));
  if (job.processes > 0) add("pid", job.pid);
  add("began", shown_moment(job.began));
  if (has_ended(job)) add("ended", shown_moment(job.ended));
  if (job.state != px::job_state::lost) add("took", console::shown_time(age_of(job)));
  add("output", fmt::format("{} in {}", console::shown_bytes(static_cast<std::int64_t>(job.output)),
                            console::shown_path(job.address.string() + ".log")));
  return out;
}

std::string table_of(std::vector<px::job_status> const& jobs) {
  std::vector<std::array<std::string, 4>> rows{{"ADDRESS", "STATE", "TIME", "COMMAND"}};
  for (px::job_status const& job : jobs)
    rows.push_back({shown_address(job.address), state_of(job),
                    job.state == px::job_state::lost ? "" : console::shown_time(age_of(job)), shown_command(job)});
  std::array<std::size_t, 3> width{};
  for (auto const& row : rows)
    for (std::size_t i = 0; i < width.size(); ++i) width[i] = std::max(width[i], row[i].size());
  std::string out;
  for (auto const& [address, state, time, command] : rows)
    out += fmt::format("{:<{}}  {:<{}}  {:>{}}  {}\n", address, width[0], state, width[1], time, width[2], command);
  return out;
}

int exit_code_of(px::job_status const& job) {
  if (!has_ended(job) || !job.status.known()) return unknown_exit;
  return job.status.exited() ? job.status.code() : 128 + job.status.signal();
}
