#pragma once

// Whether this build is watched by a sanitizer that owns the throw hook and great parts of the address space.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PROCX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define PROCX_SANITIZED 1
#endif
#endif
