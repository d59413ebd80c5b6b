#include "job_command_line.hpp"

#include "job_commands.hpp"

#include <memory>
#include <utility>

namespace {

char const* const address_help = "A name, or the path of a socket";

void add_json(CLI::App* to, bool& json) { to->add_flag("--json", json, "Print JSON, an object a line for each job"); }

CLI::Option* add_addresses(CLI::App* to, several_jobs& jobs) {
  add_json(to, jobs.json);
  return to->add_option("ADDRESS", jobs.addresses, address_help);
}

}  // namespace

job_command_line::job_command_line(CLI::App& app) {
  // What is parsed is kept where it is used: in the function that runs the command.
  auto const add = [&](char const* name, char const* what, auto given, auto const& options, auto const& run) {
    auto const kept = std::make_shared<decltype(given)>(std::move(given));
    CLI::App* const command = app.add_subcommand(name, what);
    options(command, *kept);
    commands_.emplace_back(command, [kept, run](std::vector<std::string> const& words) { return run(*kept, words); });
    return command;
  };
  start_ = add(
      "start", "Run a command in the background", start_command{},
      [](CLI::App* a, start_command& c) {
        a->add_option("ADDRESS", c.address, "A name for it, or the path of a socket")->required();
        a->add_flag("--pty", c.terminal, "Give it a terminal of its own");
        a->add_flag("-n,--no-input", c.no_input, "Its standard input is empty; else it is what is sent by `procx attach`");
        a->add_option("--watch", c.watch, "Seconds to wait for a failure at once")->capture_default_str()->check(CLI::Range(0.0, 1e6));
        add_json(a, c.json);
        a->add_option("COMMAND", c.words, "The command and all that follows");
        a->footer("Exit status: 0 once the command runs. If it fails at once, its own, and the end of its output is printed;\n"
                  "127 if it is not found, 126 if it cannot be executed, 125 if the job cannot be started.");
      },
      [](start_command c, std::vector<std::string> const& words) {
        c.words = words;
        return ::start(c);
      });
  add("attach", "Follow the output of a job, and send it standard input", attach_command{},
      [](CLI::App* a, attach_command& c) {
        a->add_option("ADDRESS", c.address, address_help)->required();
        a->add_flag("--from-now", c.from_now, "Leave out what it has written so far");
        a->add_flag("-n,--no-input", c.no_input, "Do not read standard input");
        a->add_option("--detach-key", c.detach_key, "Leaves a job that has a terminal")->capture_default_str();
        a->footer("Exit status: that of the command; 128 and the signal if one has killed it; 0 if you have left; 125 if it is\n"
                  "not known.");
      },
      [](attach_command const& c, auto const&) { return attach(c); });
  add("logs", "Print what a job has written", logs_command{},
      [](CLI::App* a, logs_command& c) {
        a->add_option("ADDRESS", c.address, address_help)->required();
        auto* const lines = a->add_option("-l,--lines", c.lines, "Only so many lines from the end");
        a->add_flag("-f,--follow", c.follow, "Go on until it has ended")->excludes(lines);
      },
      [](logs_command const& c, auto const&) { return logs(c); });
  add("status", "Tell about jobs", several_jobs{},
      [](CLI::App* a, several_jobs& c) {
        add_addresses(a, c);
        a->footer("Exit status: that of the last job that has failed, 0 if none has; 125 if one is not known.");
      },
      [](several_jobs const& c, auto const&) { return status(c); });
  add("list", "List the jobs that have a name", several_jobs{}, [](CLI::App* a, several_jobs& c) { add_json(a, c.json); },
      [](several_jobs const& c, auto const&) { return list(c.json); });
  add("wait", "Wait for the end of jobs", wait_command{},
      [](CLI::App* a, wait_command& c) {
        add_addresses(a, c.jobs)->required();
        a->add_option("-t,--timeout", c.timeout, "At most so many seconds")->check(CLI::Range(0.0, 1e9));
        a->footer("Exit status: that of the last job that has failed, 0 if none has; 124 if the time is up.");
      },
      [](wait_command const& c, auto const&) { return wait(c); });
  add("stop", "End all processes of jobs", stop_command{},
      [](CLI::App* a, stop_command& c) {
        add_addresses(a, c.jobs)->required();
        a->add_flag("--drain", c.drain, "End the command's input, and let it come to its end");
        a->add_option("--grace", c.grace, "Seconds between SIGTERM and SIGKILL")->capture_default_str()->check(CLI::Range(0.0, 1e6));
      },
      [](stop_command const& c, auto const&) { return stop(c); });
  add("remove", "Remove what is left of jobs that have ended", several_jobs{},
      [](CLI::App* a, several_jobs& c) { add_addresses(a, c)->required(); },
      [](several_jobs const& c, auto const&) { return forget(c); });
}

std::function<int(std::vector<std::string> const&)> job_command_line::chosen() const {
  for (auto const& [command, run] : commands_)
    if (*command) return run;
  return nullptr;
}
