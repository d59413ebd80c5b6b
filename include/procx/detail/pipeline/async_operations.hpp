#pragma once

#include <procx/detail/pipeline/pipeline_core.hpp>
#include <procx/detail/pipeline/result_range.hpp>
#include <procx/detail/pool/intake_item.hpp>
#include <procx/detail/pool/submission.hpp>
#include <procx/detail/system/operation.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

// How the asynchronous operations of a pipeline begin.
namespace procx::inline v1::detail {

template <class Token>
auto async_feed(pipeline_core& to, stored_item item, Token& token) {
  return boost::asio::async_initiate<Token, void(std::exception_ptr)>(
      [core = &to](auto handler, stored_item kept) {
        auto const slot = boost::asio::get_associated_cancellation_slot(handler);
        auto op = std::make_unique<awaited_result<void, decltype(handler)>>(std::move(handler), core->home());
        begin_operation<operation>(
            std::move(op), slot,
            [&](auto& begun) {
              return kept.use([&](intake_item const& i) { return core->async_feed(i, std::move(begun)); });
            },
            [pipeline = core->weak()](std::uint64_t number, boost::asio::cancellation_type) {
              pipeline_core::cancel_feed(pipeline, number);
            });
      },
      token, std::move(item));
}

template <class Value, class Token>
auto async_take(pipeline_core& from, Token& token) {
  return boost::asio::async_initiate<Token, void(std::exception_ptr, std::optional<Value>)>(
      [core = &from](auto handler) {
        auto const slot = boost::asio::get_associated_cancellation_slot(handler);
        auto taker = std::make_unique<awaited_item<Value, decltype(handler)>>(std::move(handler), core->home());
        begin_operation<result_taker>(
            std::move(taker), slot, [&](auto& begun) { return core->async_take(std::move(begun)); },
            [pipeline = core->weak()](std::uint64_t number, boost::asio::cancellation_type) {
              pipeline_core::cancel_take(pipeline, number);
            });
      },
      token);
}

template <class Token>
auto async_join(pipeline_core& of, Token& token) {
  return boost::asio::async_initiate<Token, ending_signature<Token>>(
      [core = &of](auto handler) { core->when_over(posted_handler(std::move(handler), core->home())); }, token);
}

}  // namespace procx::inline v1::detail
