#pragma once

#include <procx/version.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace procx::inline v1 {

/// What a record in a store is: a key may have one of each.
enum class record_kind : unsigned char {
  value,
  failure,  ///< why there is no value: an encoded `exception_record`
  mark,     ///< what a stash notes for itself
};

/// When a record that was put is safe from what. Whatever ends the program, it is there from the moment on that `put` returns.
enum class durability {
  normal,  ///< after a power cut the last records may be missing, none is wrong
  full,    ///< what was put is there after a power cut too; each `put` waits for the disk
};

/// Where the values of a stash are kept, as encoded bytes: the place to derive from for a storage of your own.
///
/// Keys are any bytes, empty ones too. Every operation is whole or not done at all, also as seen by other processes, and may
/// be called from any thread. Errors: `stash_error`.
class byte_store {
 public:
  struct record {
    record_kind kind = record_kind::value;
    std::string key;
    std::vector<std::byte> bytes;
  };
  enum class found {
    nothing,
    record,
    damaged,  ///< something is there that is not what was put; as good as nothing
  };

  byte_store() = default;
  byte_store(byte_store const&) = delete;
  byte_store& operator=(byte_store const&) = delete;
  virtual ~byte_store() = default;

  virtual found get(record_kind kind, std::string const& key, std::vector<std::byte>& bytes) = 0;
  /// Puts them in this order, over what was there. A value takes away the failure of its key. If it throws, some of the
  /// first may have been put.
  virtual void put(std::span<record const> records) = 0;
  /// Returns whether there was one.
  virtual bool erase(record_kind kind, std::string const& key) = 0;
  virtual bool exists(record_kind kind, std::string const& key) = 0;
  /// In no order. What is damaged may be among them where finding that out would mean to read all values.
  virtual std::vector<std::string> keys(record_kind kind) = 0;
  virtual std::size_t count(record_kind kind) = 0;
  /// Takes away all records of all kinds.
  virtual void clear() = 0;
};

}  // namespace procx::inline v1
