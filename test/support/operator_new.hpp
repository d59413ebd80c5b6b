// Operator new of a test program that wants to know of its allocations, or to have them fail: `test_allocation` is told of each
// before it is made, and may throw. To be included in one source.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

void test_allocation(std::size_t size);

inline void* allocate_for_test(std::size_t size) {
  test_allocation(size);
  if (void* const p = std::malloc(size ? size : 1)) return p;
  throw std::bad_alloc();
}

void* operator new(std::size_t size) { return allocate_for_test(size); }
void* operator new[](std::size_t size) { return allocate_for_test(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
