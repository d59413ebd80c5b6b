#pragma once

#include <procx/version.hpp>

#include <procx/wire/codec.hpp>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>

#include <streambuf>

// Boost.Serialization's own archive for the types that need it. Including this costs two seconds of compile time.
namespace procx::inline v1::detail {

class buffer_sink : public std::streambuf {
 public:
  explicit buffer_sink(output_archive& out) : out_(out) {}

 protected:
  std::streamsize xsputn(char const* from, std::streamsize n) override {
    out_.save_binary(from, static_cast<std::size_t>(n));
    return n;
  }
  int_type overflow(int_type c) override {
    char const byte = traits_type::to_char_type(c);
    out_.save_binary(&byte, 1);
    return c;
  }

 private:
  output_archive& out_;
};

class span_source : public std::streambuf {
 public:
  explicit span_source(std::span<std::byte const> bytes) {
    char* const first = const_cast<char*>(reinterpret_cast<char const*>(bytes.data()));
    setg(first, first, first + bytes.size());
  }
};

// An archive remembers the objects it has seen by their addresses, so each value has one of its own; what makes that
// dear, streams, locales and headers, is left out.
inline constexpr unsigned bare_archive = boost::archive::no_header | boost::archive::no_codecvt;

template <class T>
struct full_codec {
  static void save(output_archive& out, T const& value) {
    buffer bytes;
    output_archive body(bytes);
    {
      buffer_sink sink(body);
      boost::archive::binary_oarchive archive(sink, bare_archive);
      archive << value;
    }
    out.save_count(bytes.size());
    out.save_binary(bytes.data(), bytes.size());
  }
  static void load(input_archive& in, T& value) {
    std::size_t const size = in.load_count();
    span_source source({in.take(size), size});
    try {
      boost::archive::binary_iarchive archive(source, bare_archive);
      archive >> value;
    } catch (boost::archive::archive_exception const& e) {
      throw_bad_bytes(e.what());
    }
    if (source.in_avail() > 0) throw_bad_bytes("Boost's archive has more bytes than the value");
  }
};

}  // namespace procx::inline v1::detail

/// Values of this type go through Boost.Serialization's binary archive: polymorphic pointers and tracking work, at some
/// 20 times the cost, and bytes from a sender that is not trusted must not be read. To be written at namespace scope.
#define PROCX_FULL_ARCHIVE(...) \
  template <>                   \
  struct procx::needs_full_archive<__VA_ARGS__> : std::true_type {}
