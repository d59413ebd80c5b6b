#pragma once

#include <procx/version.hpp>

#include <procx/daemon/daemon.hpp>
#include <procx/detail/pipeline/async_operations.hpp>
#include <procx/detail/pipeline/chain.hpp>
#include <procx/detail/pipeline/pipeline_core.hpp>
#include <procx/detail/pipeline/result_range.hpp>
#include <procx/detail/pipeline/serve.hpp>
#include <procx/detail/pipeline/typed_stage.hpp>
#include <procx/detail/pool/plain_item.hpp>
#include <procx/detail/system/from_now.hpp>
#include <procx/error/exceptions.hpp>
#include <procx/pipeline/background.hpp>
#include <procx/pipeline/bind_back.hpp>
#include <procx/pipeline/emit.hpp>
#include <procx/pipeline/generator.hpp>
#include <procx/pipeline/send.hpp>
#include <procx/pipeline/stage_options.hpp>
#include <procx/pipeline/summary.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace procx::inline v1 {

/// What `px::pipeline` makes: stages, each run in processes of its own or where the one before it is, that items go through.
///
/// A stage is a function of an item. It gives one result, none (`std::optional`), or any number (a last parameter
/// `px::emit<T>`, or a coroutine that returns a `px::generator<T>`); a tuple or pair is spread over the parameters. Whatever the order in which they are added, origins come first,
/// then tasks, then destinations. A stage without options of its own runs in the processes of the one before it, on what that
/// has made, without anything being encoded in between; another has its own (see `stage_options`).
///
/// Every item ends once: it comes out, a stage drops it, or it fails, and then costs no other item. Items that wait between
/// stages are bounded; results that nobody reads go to a file when there are many, so that `feed`, `join` and reading in one
/// thread never wait for each other.
/// Thread safety: `feed`, `send`, reading, `failures`, `queue_lengths`, `explain` and `stop` from any thread, `start` and `join`
/// from one.
/// \code
/// auto words = px::pipeline().add_origin(read_lines).add_task(parse, {.workers = 4}).add_destination(store);
/// words.start();
/// for (auto const& file : files) words.feed(file);
/// words.join();
/// \endcode
template <class Origins = detail::types<>, class Tasks = detail::types<>, class Destinations = detail::types<>>
class basic_pipeline;

template <class... O, class... T, class... D>
class basic_pipeline<detail::types<O...>, detail::types<T...>, detail::types<D...>> {
  using chain = detail::stage_types<O..., T..., D...>;

 public:
  /// See `px::pipeline`.
  basic_pipeline(std::string name, pipeline_options const& options) : name_(std::move(name)), options_(options) {}

  /// Adds a stage: see above. `setup` is called once in each of its processes, and what it returns is handed to every call,
  /// before a px::emit, and to `teardown` at the end. Before that `fn.finish()` is called if there is such a member, also of what a
  /// std::reference_wrapper refers to: the place to write out what was gathered. Throws sequence_error after `start`.
  template <class F, class Setup = detail::no_setup, class Teardown = detail::no_setup>
  [[nodiscard]] auto add_origin(F fn, stage_options options = {}, Setup setup = {}, Teardown teardown = {}) && {
    using spec = detail::stage_spec<F, Setup, Teardown>;
    return with<detail::types<O..., spec>, detail::types<T...>, detail::types<D...>>(
        detail::appended(std::move(origins_), spec{std::move(fn), std::move(options), std::move(setup), std::move(teardown)}),
        std::move(tasks_), std::move(destinations_));
  }
  template <class F, class Setup = detail::no_setup, class Teardown = detail::no_setup>
  [[nodiscard]] auto add_task(F fn, stage_options options = {}, Setup setup = {}, Teardown teardown = {}) && {
    using spec = detail::stage_spec<F, Setup, Teardown>;
    return with<detail::types<O...>, detail::types<T..., spec>, detail::types<D...>>(
        std::move(origins_),
        detail::appended(std::move(tasks_), spec{std::move(fn), std::move(options), std::move(setup), std::move(teardown)}),
        std::move(destinations_));
  }
  template <class F, class Setup = detail::no_setup, class Teardown = detail::no_setup>
  [[nodiscard]] auto add_destination(F fn, stage_options options = {}, Setup setup = {}, Teardown teardown = {}) && {
    using spec = detail::stage_spec<F, Setup, Teardown>;
    return with<detail::types<O...>, detail::types<T...>, detail::types<D..., spec>>(
        std::move(origins_), std::move(tasks_),
        detail::appended(std::move(destinations_), spec{std::move(fn), std::move(options), std::move(setup), std::move(teardown)}));
  }

  /// Makes the processes. Throws sequence_error if it was called before, or if another pipeline has the name; system_error if
  /// there can be no processes.
  void start() { begin(std::nullopt); }
  /// The same on an executor of yours, with a strand of it: then `async_feed`, `async_next` and `async_join` are to be used instead
  /// of what blocks.
  template <detail::has_executor Executor>
  void start(Executor&& executor) {
    begin(detail::executor_of(std::forward<Executor>(executor)));
  }

  /// Starts a daemon in which the pipeline runs, at the path of a UNIX socket, and which lives on when this program ends: see
  /// `px::start_daemon`, whose errors and options apply as far as they are about clients. Any number of programs feed it: by
  /// `px::background` as a stage of pipelines of their own, or by `connection::call<R>("item", item)`. What comes of an item is
  /// the answer: its result; a std::optional of it, if a stage may drop it; a std::vector of all, if a stage may make many. An
  /// item that fails, or something that was made of it, is a call that fails. Who calls it as a function that returns nothing is
  /// answered when the item is over. Its process id. The pipeline itself is not started here.
  pid_t serve(std::filesystem::path const& address, daemon_options const& daemon = {}) && {
    if (core_) throw sequence_error("a pipeline that has been started cannot be served");
    chain::check();
    if constexpr (chain::fit) {
      auto stages = chain::make(std::tuple_cat(std::move(origins_), std::move(tasks_), std::move(destinations_)), sizeof...(O),
                                sizeof...(T));
      return detail::serve_pipeline(address, daemon, name_, options_, std::move(stages),
                                    detail::type_number(typeid(typename chain::input).name()), served_types());
    }
  }

  /// Puts an item in at the first stage. Waits while there are `max_size` items under way. Throws sequence_error before `start`
  /// and after `join` or `stop`, protocol_error for an item that is too large; what its `serialize` throws.
  template <class... Parts>
    requires(sizeof...(Parts) > 0)
  void feed(Parts&&... parts) {
    using input = typename chain::input;
    core("feed");
    if constexpr (sizeof...(Parts) == 1)
      feed_item(input(std::forward<Parts>(parts)...));
    else
      feed_item(input{std::forward<Parts>(parts)...});
  }
  /// Puts in all items of a range, in their order. Ends early once a signal of `px::stop_on_signals` has come.
  template <std::ranges::input_range Range>
  void feed_chunk(Range&& items) {
    detail::pipeline_core const& to = core("feed_chunk");
    try {
      for (auto&& item : items) {
        if (to.stops_feeding()) return;
        feed(std::forward<decltype(item)>(item));
      }
    } catch (task_cancelled const&) {  // the signal came while an item waited for room
      if (!to.stops_feeding()) throw;
    }
  }

  /// No more items: waits until all have come out, been dropped or failed, and the processes have ended. Called again it says
  /// the same. Throws sequence_error before `start`; what the teardown of a stage has thrown, once.
  pipeline_summary join() { return core("join").join(); }
  /// The same for so long at most; then what is not over is stopped, and counted as lost.
  pipeline_summary drain(std::chrono::nanoseconds limit) { return core("drain").drain(detail::from_now(limit)); }
  /// The results as they come, of all items that were not read before: waits for them, until the pipeline was joined or stopped
  /// and all are read. An item that has failed throws in its place; with `px::skip_failures` it is passed over.
  auto as_completed() { return detail::result_range<typename chain::result>(core("as_completed"), false); }
  auto as_completed(skip_failures_type) { return detail::result_range<typename chain::result>(core("as_completed"), true); }
  /// As `feed`, without waiting. Completion: `void(std::exception_ptr)` when the item has its place, or with what `feed` throws.
  /// Cancellation (of any type): an item that has no place yet gets none, and completes with `operation_aborted`.
  template <class Item, class Token>
  auto async_feed(Item&& item, Token&& token) {
    typename chain::input input(std::forward<Item>(item));
    auto stored = item_of(input).use([](detail::intake_item const& i) { return detail::stored_item(i); });
    return detail::async_feed(core("async_feed"), std::move(stored), token);
  }
  /// The next result. Completion: `void(std::exception_ptr, std::optional<T>)`: with what an item has failed with, with a result, or
  /// empty once the pipeline was joined or stopped and all results are taken. Those who wait are served in turn. Cancellation (of
  /// any type): completes with `operation_aborted`, and no result is lost.
  template <class Token>
  auto async_next(Token&& token) {
    return detail::async_take<typename detail::result_range<typename chain::result>::value_type>(core("async_next"), token);
  }
  /// As `join`; `summary` has the numbers. Completion: `void(std::exception_ptr)`, or `void()` for a handler without parameters.
  /// It cannot be cancelled.
  template <class Token>
  auto async_join(Token&& token) {
    return detail::async_join(core("async_join"), token);
  }
  /// What has failed so far, in the order in which it did.
  std::vector<pipeline_failure> failures() const { return core("failures").failures(); }
  /// How many items are in each of the stages that run together, and at last results that were not read.
  std::vector<std::size_t> queue_lengths() const { return core("queue_lengths").queue_lengths(); }
  pipeline_summary summary() const { return core("summary").summary(); }
  /// Ends the processes; what is under way is lost. Does nothing before `start`.
  void stop() noexcept {
    if (core_) core_->stop();
  }
  /// The stages and where they run, for people; after `start` also what has gone through each, what share of their processes' time
  /// was spent on items, on waiting for the next stage, and on waiting for the one before, and which stage holds up the others.
  std::string explain() const { return core_ ? core_->explain() : detail::pipeline_core::explain_plan(name_, outlines()); }

 private:
  template <class, class, class>
  friend class basic_pipeline;

  basic_pipeline(std::string name, pipeline_options const& options, std::tuple<O...> origins, std::tuple<T...> tasks,
                 std::tuple<D...> destinations)
      : name_(std::move(name)),
        options_(options),
        origins_(std::move(origins)),
        tasks_(std::move(tasks)),
        destinations_(std::move(destinations)) {}
  template <class Os, class Ts, class Ds, class... Parts>
  auto with(Parts&&... parts) {
    if (core_) throw sequence_error("a stage is added to a pipeline that has been started");
    return basic_pipeline<Os, Ts, Ds>(std::move(name_), options_, std::move(parts)...);
  }
  void begin(std::optional<boost::asio::any_io_executor> executor) {
    if (core_) throw sequence_error("a pipeline is started twice");
    chain::check();
    auto stages = chain::make(std::tuple_cat(std::move(origins_), std::move(tasks_), std::move(destinations_)),
                              sizeof...(O), sizeof...(T));
    core_ = std::make_unique<detail::pipeline_core>(name_, options_, std::move(stages),
                                                    detail::type_number(typeid(typename chain::input).name()), executor);
  }
  template <class Input>
  void feed_item(Input const& item) {
    if constexpr (detail::is_plain<Input>)
      if (!core_->key() && detail::plain_item(detail::pipeline_core::head(), item).try_put(core_->fast_intake()) !=
          detail::intake_fast_path::no_place) [[likely]]
        return;
    item_of(item).use([&](detail::intake_item const& i) { core_->feed(i); });
  }
  template <class Input>
  detail::encoded_item item_of(Input const& item) const {
    return encoded(core("feed"), item);
  }
  template <class Input>
  static detail::encoded_item encoded(detail::pipeline_core const& to, Input const& item) {
    stage_key const* const key = to.key();
    return detail::encoded_item(detail::pipeline_core::head(), to.runs_once(), [&](output_archive& out) {
      if (key) {
        std::uint64_t const hash = *key->of(typeid(Input), &item);
        out.save_binary(&hash, sizeof hash);
      }
      detail::save_to_make(out, item);
    });
  }
  std::vector<detail::stage_outline> outlines() const {
    std::vector<detail::stage_outline> all;
    auto const add = [&](auto const&... specs) {
      (all.push_back(detail::outline_of(specs, all.size(), sizeof...(O), sizeof...(T))), ...);
    };
    std::apply(add, origins_);
    std::apply(add, tasks_);
    std::apply(add, destinations_);
    return all;
  }
  static detail::served_types served_types() {
    using input = typename chain::input;
    using result = typename chain::result;
    using answer = typename detail::answer_of<result, chain::yield>::type;
    return {detail::signature_fingerprint<answer, input>(), detail::signature_fingerprint<void, input>(),
            detail::readable_type(typeid(answer(input)).name()),
            [](detail::pipeline_core& core, portable_input_archive& in) {
              auto const item = detail::make<input>(in);
              if (in.left()) detail::throw_bad_bytes("there are more bytes than the item has");
              return encoded(core, item).use([&](detail::intake_item const& i) { return core.feed_now(i); });
            },
            detail::save_answer<result, chain::yield>};
  }
  detail::pipeline_core& core(char const* what) const {
    if (!core_) throw sequence_error(std::string(what) + " before the pipeline was started");
    return *core_;
  }

  std::string name_;
  pipeline_options options_;
  std::tuple<O...> origins_;
  std::tuple<T...> tasks_;
  std::tuple<D...> destinations_;
  std::unique_ptr<detail::pipeline_core> core_;
};

/// A pipeline without stages as yet: see `basic_pipeline`. With a name others can send to it (`px::send`).
inline basic_pipeline<> pipeline(std::string name, pipeline_options const& options = {}) {
  return basic_pipeline<>(std::move(name), options);
}
inline basic_pipeline<> pipeline(pipeline_options const& options = {}) { return basic_pipeline<>({}, options); }

}  // namespace procx::inline v1
