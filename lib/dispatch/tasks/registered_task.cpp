#include <procx/dispatch/registered_task.hpp>

#include <procx/error/exceptions.hpp>

#include <boost/core/demangle.hpp>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace procx::inline v1::detail {
namespace {

/// Usable before any constructor has run: tasks are registered by the constructors of static objects.
constinit registered_task* all = nullptr;

/// Two functions of one name: nobody could tell which one is meant. Without exceptions, which nobody could catch here.
[[noreturn]] void refuse_second(registered_task const& first, char const* place, registered_task const& second,
                                char const* other_place) {
  std::string const name(first.name());
  std::fprintf(stderr, "procx: two tasks have the name \"%s\": %s (%s) and %s (%s). Give one another name by PROCX_TASK_AS.\n",
               name.c_str(), first.signature().c_str(), place, second.signature().c_str(), other_place);
  std::_Exit(EXIT_FAILURE);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// Removes ", std::allocator<…>" and the like, whatever is between the brackets.
void drop_argument(std::string& text, std::string_view start) {
  for (auto at = text.find(start); at != std::string::npos; at = text.find(start, at)) {
    std::size_t end = at + start.size();
    for (int depth = 1; depth > 0 && end < text.size(); ++end) depth += text[end] == '<' ? 1 : text[end] == '>' ? -1 : 0;
    text.erase(at, end - at);
    if (at < text.size() && text[at] == ' ') text.erase(at, 1);
  }
}

}  // namespace

std::string readable_type(char const* mangled) {
  std::string text = boost::core::demangle(mangled);
  replace_all(text, "std::__cxx11::", "std::");
  for (std::string_view const extra : {", std::allocator<", ", std::char_traits<", ", std::less<", ", std::hash<", ", std::equal_to<"})
    drop_argument(text, extra);
  replace_all(text, "std::basic_string<char>", "std::string");
  replace_all(text, "> >", ">>");
  return text;
}

registered_task::registered_task(char const* name, std::uint64_t fingerprint, char const* type, named_entry run,
                                 void (*function)(), char const* file, int line) noexcept
    : name_(name), hash_(name_hash(name)), fingerprint_(fingerprint), type_(type), entry_(run), function_(function),
      file_(file), line_(line) {
  for (auto const* other = all; other; other = other->next_)
    if (other->hash_ == hash_ && other->function_ != function_) {
      auto const place = [](registered_task const& t) { return std::string(t.file_) + ':' + std::to_string(t.line_); };
      refuse_second(*other, place(*other).c_str(), *this, place(*this).c_str());
    }
  next_ = std::exchange(all, this);
}

/// A library that is unloaded takes its tasks with it.
registered_task::~registered_task() {
  for (auto** at = &all; *at; at = &(*at)->next_)
    if (*at == this) {
      *at = next_;
      return;
    }
}

registered_task const* registered_task::find(std::uint64_t hash) noexcept {
  auto const* task = all;
  while (task && task->hash_ != hash) task = task->next_;
  return task;
}

registered_task const* registered_task::find(void (*function)()) noexcept {
  auto const* task = all;
  while (task && task->function_ != function) task = task->next_;
  return task;
}

void run_named(void* object, input_archive& arguments, output_archive& result) {
  auto in = arguments.as<wire_form::portable>();
  auto const name = make<std::string>(in);
  auto const signature = make<std::string>(in);
  auto const* const task = static_cast<registered_task const*>(object);
  if (!task || task->name() != name)
    throw protocol_error("no function is registered by PROCX_TASK under the name \"" + name + '"', errc::unknown_task);
  auto out = result.as<wire_form::portable>();
  task->entry()(in, out);
}

void refuse_named(void* object, input_archive& arguments, output_archive&) {
  auto in = arguments.as<wire_form::portable>();
  auto const name = make<std::string>(in);
  auto const signature = make<std::string>(in);
  throw protocol_error("the task \"" + name + "\" is " + static_cast<registered_task const*>(object)->signature() +
                           " here, and was called as " + signature,
                       errc::signature_mismatch);
}

}  // namespace procx::inline v1::detail
