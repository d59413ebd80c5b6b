#pragma once

#include <procx/dispatch/arrival.hpp>
#include <procx/dispatch/callable_table.hpp>
#include <procx/dispatch/task_description.hpp>
#include <procx/pool/queue_core.hpp>
#include <procx/wire/frame.hpp>
#include <procx/wire/travel.hpp>

#include <cstdint>
#include <cstring>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace procx::inline v1::detail {

/// Calls, and writes what comes of it as an `R`: that conversion happens over there.
template <class R, class F>
void call_and_save_as(F&& call, output_archive& result) {
  if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
    call();
    save_to_make<R>(result, R());
  } else {
    save_to_make<R>(result, call());
  }
}

/// The task that calls an `F`: one that came with the task, or, inherited, the object.
template <class R, bool Inherited, class F, class... Args>
void run_for_queue(void* object, input_archive& in, output_archive& result) {
  auto const run = [&](F& fn) {
    auto arguments = make<std::tuple<Args...>>(in);
    call_and_save_as<R>([&]() -> decltype(auto) { return std::apply(fn, std::move(arguments)); }, result);
  };
  if constexpr (Inherited) {
    run(*static_cast<F*>(object));
  } else {
    auto fn = receive_callable<F>(in);
    run(fn);
  }
}

/// Whether calling an `F` with what these arguments become gives an `R`, or something that becomes one.
template <class R, class F, class Arrivals>
inline constexpr bool gives_with = false;
template <class R, class F, class... A>
  requires std::is_invocable_v<F&, A...>
inline constexpr bool gives_with<R, F, types<A...>> =
    std::is_convertible_v<std::invoke_result_t<F&, A...>, R> ||
    (std::is_void_v<std::invoke_result_t<F&, A...>> && std::is_same_v<R, std::monostate>);
template <class R, class F, class... Args>
concept gives = gives_with<R, F, arrivals<F, Args...>>;

/// What runs the task; how it is saved if it fails is known from now on.
template <class R, bool Inherited, class F, class... A>
task_entry queue_entry(types<A...>) {
  constexpr task_entry entry = &run_for_queue<R, Inherited, F, A...>;
  describe_once<entry, std::tuple<saved_as<A>...>, std::conditional_t<Inherited, void, F>>();
  return entry;
}

/// An argument in the type that the other side reads.
template <class T>
void save_argument(output_archive& out, T const& argument) {
  if constexpr (std::is_same_v<sent_type<T>, T>)
    save_to_make(out, argument);
  else
    save_to_make<sent_type<T>>(out, sent_type<T>(argument));
}

/// An item for a queue, as bytes in this thread's memory, for as long as this object lives.
class encoded_item {
 public:
  /// A call of a callable that travels.
  template <class R, class F, class... Args>
  static encoded_item call(F const& fn, Args const&... args) {
    return encoded_item(callable_table::travels, [&](output_archive& out) {
      save_entry(out, queue_entry<R, false, F>(arrivals<F, sent_type<Args>...>()));
      send_callable(out, fn);
      (save_argument(out, args), ...);
    });
  }
  /// A call of the callable that all workers have inherited.
  template <class R, class F, class... Args>
  static encoded_item inherited_call(Args const&... args) {
    return encoded_item(callable_table::by_entry | 0u, [&](output_archive& out) {
      save_entry(out, queue_entry<R, true, F>(arrivals<F, sent_type<Args>...>()));
      (save_argument(out, args), ...);
    });
  }
  /// A value that is not run.
  template <class R>
  static encoded_item value(R const& value) {
    return encoded_item(passed(), value);
  }

  encoded_item(encoded_item const&) = delete;
  encoded_item& operator=(encoded_item const&) = delete;
  queue_item const& operator*() const noexcept { return item_; }

 private:
  struct passed {};
  template <class R>
  encoded_item(passed, R const& value) {
    space_->bytes.extend(frame_header::size);
    encode(space_->bytes, value);
    finish(frame_kind::value, frame_header::size);
  }
  template <class Write>
  encoded_item(std::uint32_t callable, Write write) {
    std::byte* const head = space_->bytes.extend(frame_header::size + sizeof callable);
    std::memcpy(head + frame_header::size, &callable, sizeof callable);
    output_archive out(space_->bytes, &space_->slabs);
    write(out);
    item_.slabs = &space_->slabs;
    finish(frame_kind::task, frame_header::size + sizeof callable);
  }
  void finish(frame_kind kind, std::size_t head) noexcept {
    buffer& bytes = space_->bytes;
    std::uint8_t const flags = item_.has_slabs() ? has_blocks : std::uint8_t{0};
    frame_header{kind, flags, bytes.size() - frame_header::size, 0}.write(bytes.data());
    item_.frame = bytes;
    item_.head = head;
  }
  static void save_entry(output_archive& out, task_entry entry) {
    image_offset const offset = offset_of(reinterpret_cast<void (*)()>(entry));
    out << offset;
  }

  struct back {
    void operator()(encoding_space* space) const noexcept { space->give_back(); }
  };
  std::unique_ptr<encoding_space, back> space_{encoding_space::take()};
  queue_item item_;
};

}  // namespace procx::inline v1::detail
