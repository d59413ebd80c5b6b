#pragma once

namespace procx::inline v1::detail {

/// What is used of zlib's interface, which is the same since version 1.2. It is loaded, not linked: who reads no compressed files
/// needs no zlib, neither to build nor to run.
struct zlib_library {
  /// As zlib.h has it, under the same name.
  struct stream {
    unsigned char const* next_in;
    unsigned avail_in;
    unsigned long total_in;
    unsigned char* next_out;
    unsigned avail_out;
    unsigned long total_out;
    char const* msg;
    void* state;
    void* (*zalloc)(void*, unsigned, unsigned);
    void (*zfree)(void*, void*);
    void* opaque;
    int data_type;
    unsigned long adler;
    unsigned long reserved;
  };

  char const* (*version)();
  int (*inflate_init2)(stream*, int window_bits, char const* version, int stream_size);
  int (*inflate)(stream*, int flush);
  int (*inflate_reset)(stream*);
  int (*inflate_end)(stream*);

  /// Loads it at the first call. Throws error if there is none.
  static zlib_library const& get();

  // Codes and flags, which never change either.
  static constexpr int ok = 0, stream_end = 1, buffer_error = -5;
  static constexpr int no_flush = 0;
  static constexpr int gzip_window = 15 + 16;
};

}  // namespace procx::inline v1::detail
