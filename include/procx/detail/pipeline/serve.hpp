#pragma once

#include <procx/daemon/daemon.hpp>
#include <procx/detail/pipeline/pipeline_core.hpp>
#include <procx/detail/pipeline/stage_base.hpp>
#include <procx/dispatch/registered_task.hpp>
#include <procx/pipeline/generator.hpp>
#include <procx/pipeline/stage_options.hpp>
#include <procx/wire/portable.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <sys/types.h>

namespace procx::inline v1::detail {

/// Under which name a served pipeline takes its items.
inline constexpr std::string_view served_name = "item";

/// What a pipeline gives as the answer to an item: its result, if there is exactly one; a std::optional, if a stage may drop it; a
/// vector of all of them, if a stage may make many; nothing.
template <class Result, stage_yield Yield>
struct answer_of {
  using type = Result;
};
template <class Result>
struct answer_of<Result, stage_yield::maybe> {
  using type = std::optional<Result>;
};
template <class Result>
struct answer_of<Result, stage_yield::many> {
  using type = std::vector<Result>;
};
template <class Result>
struct answer_of<Result, stage_yield::none> {
  using type = void;
};

/// A pipeline that is served, as compiled code sees its types.
struct served_types {
  std::uint64_t fingerprint = 0;         ///< of the function from an item to its answer
  std::uint64_t silent_fingerprint = 0;  ///< of the one that answers nothing
  std::string signature;                 ///< for people
  /// Reads an item in the portable form, and feeds it. Its number.
  std::function<std::uint64_t(pipeline_core&, portable_input_archive&)> feed;
  /// Appends the answer in the portable form; `results`: so many, each behind its length, as the pipeline gives them.
  void (*answer)(std::span<std::byte const> results, std::size_t count, buffer& out) = nullptr;
};

/// Calls it with each of the results.
template <class Result, class Use>
void each_result(std::span<std::byte const> results, std::size_t count, Use use) {
  for (; count > 0; --count) {
    auto const size = load_little<std::uint64_t>(results.data());
    use(decode<Result>(encoded_value(results.subspan(sizeof size, static_cast<std::size_t>(size)))));
    results = results.subspan(sizeof size + static_cast<std::size_t>(size));
  }
}

template <class Result, stage_yield Yield>
void save_answer(std::span<std::byte const> results, std::size_t count, buffer& out) {
  portable_output_archive to(out);
  if constexpr (Yield == stage_yield::none) {
    save_to_make(to, std::monostate());
  } else {
    using answer_type = typename answer_of<Result, Yield>::type;
    std::vector<Result> all;
    each_result<Result>(results, count, [&](Result&& r) { all.push_back(std::move(r)); });
    if constexpr (Yield == stage_yield::many)
      save_to_make<answer_type>(to, all);
    else if constexpr (Yield == stage_yield::maybe)
      save_to_make<answer_type>(to, all.empty() ? answer_type() : answer_type(std::move(all.front())));
    else
      save_to_make<answer_type>(to, all.at(0));
  }
}

/// Starts a daemon in which the pipeline runs.
pid_t serve_pipeline(std::filesystem::path const& address, daemon_options const& daemon, std::string const& name,
                     pipeline_options const& options, std::vector<stage_entry> stages, std::uint64_t input,
                     served_types const& types);

}  // namespace procx::inline v1::detail
