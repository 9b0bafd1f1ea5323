// Scratch memory that a kernel keeps between calls: grows, never shrinks, on large pages.
#pragma once
#include <cstdint>

#include "arena.h"

namespace parley {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { clear(); }

  void clear() {
    if (memory != nullptr) release(memory, capacity);
    memory = nullptr;
    capacity = 0;
  }

  // At least `count` elements, 2 MiB-aligned. Contents are lost when the buffer grows.
  T* atLeast(int64_t count) {
    const int64_t bytes = count * int64_t(sizeof(T));
    if (bytes > capacity) {
      clear();
      memory = reserve(bytes);
      capacity = bytes;
    }
    return static_cast<T*>(memory);
  }

  T* data() const { return static_cast<T*>(memory); }

 private:
  void* memory = nullptr;
  int64_t capacity = 0;
};

}  // namespace parley
