#pragma once

#include <procx/detail/pipeline/pipeline_core.hpp>
#include <procx/wire/codec.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>

namespace procx::inline v1 {

/// Sends an item to the pipeline with this name, from any process of any pipeline in the program, or from the program itself.
/// What was sent before the sender's `join` returns is there before the receiver's does. If there is no such pipeline, or it
/// takes items of another type, or has been joined, the item fails that the sending stage is at; outside of a stage
/// connection_error, protocol_error or sequence_error is thrown.
/// Thread safety: in a stage, for the thread that runs it. Cost: one copy of the encoded item; it never waits for room.
template <class T>
void send(std::string_view name, T const& item) {
  using sent = std::decay_t<T>;
  detail::buffer bytes;
  output_archive out(bytes, nullptr);
  detail::save_to_make<sent>(out, item);
  detail::send_to_pipeline(name, detail::type_number(typeid(sent).name()), bytes);
}
inline void send(std::string_view name, char const* text) { send(name, std::string(text)); }

}  // namespace procx::inline v1
