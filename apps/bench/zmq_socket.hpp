#pragma once

#include "measure.hpp"

#include <stdexcept>
#include <string>

#include <zmq.h>

namespace bench {

/// Throws if ZeroMQ says that something went wrong.
inline int check_zmq(int returned) {
  if (returned < 0) throw std::runtime_error(std::string("ZeroMQ: ") + ::zmq_strerror(::zmq_errno()));
  return returned;
}

/// One that is bound or connected, and never drops or holds up what the window allows.
class zmq_socket {
 public:
  enum class way { bind, connect };

  zmq_socket(void* context, int type, way how, std::string const& address) : socket_(::zmq_socket(context, type)) {
    check(socket_ != nullptr, "no ZeroMQ socket");
    int const unlimited = 0, at_once = 0;
    check_zmq(::zmq_setsockopt(socket_, ZMQ_SNDHWM, &unlimited, sizeof unlimited));
    check_zmq(::zmq_setsockopt(socket_, ZMQ_RCVHWM, &unlimited, sizeof unlimited));
    check_zmq(::zmq_setsockopt(socket_, ZMQ_LINGER, &at_once, sizeof at_once));
    check_zmq(how == way::bind ? ::zmq_bind(socket_, address.c_str()) : ::zmq_connect(socket_, address.c_str()));
  }
  zmq_socket(zmq_socket const&) = delete;
  zmq_socket& operator=(zmq_socket const&) = delete;
  ~zmq_socket() { ::zmq_close(socket_); }

  template <class T>
  void send(T const& value) {
    check_zmq(::zmq_send(socket_, &value, sizeof value, 0));
  }
  template <class T>
  T receive() {
    T value{};
    check(check_zmq(::zmq_recv(socket_, &value, sizeof value, 0)) == sizeof value, "a bad message");
    return value;
  }

 private:
  void* socket_;
};

class zmq_context {
 public:
  zmq_context(zmq_context const&) = delete;
  zmq_context& operator=(zmq_context const&) = delete;
  zmq_context() = default;
  ~zmq_context() { ::zmq_ctx_term(context_); }
  void* get() const noexcept { return context_; }

 private:
  void* context_ = ::zmq_ctx_new();
};

}  // namespace bench
