#pragma once

#include <string>

#include <dlfcn.h>

namespace procx::inline v1::detail {

/// A library that is loaded when it is needed, not linked: programs that have no use for it need not have it. It stays loaded.
class loaded_library {
 public:
  /// `fail` throws.
  loaded_library(char const* file, void (*fail)(std::string const& why)) : fail_(fail), handle_(::dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
    if (!handle_) fail_with_reason();
  }

  template <class Function>
  void find(char const* name, Function*& function) const {
    void* const address = ::dlsym(handle_, name);
    if (!address) fail_with_reason();
    function = reinterpret_cast<Function*>(address);
  }

 private:
  void fail_with_reason() const {
    char const* const why = ::dlerror();
    fail_(why ? why : "it is no library");
  }

  void (*fail_)(std::string const& why);
  void* handle_;
};

}  // namespace procx::inline v1::detail
