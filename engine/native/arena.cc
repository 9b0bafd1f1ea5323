#include "arena.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace parley {
namespace {

[[maybe_unused]] int64_t roundUp(int64_t bytes) { return (bytes + hugePage - 1) / hugePage * hugePage; }

std::atomic<int64_t> reserved{0};

[[noreturn]] void refuse(int64_t bytes) {
  throw std::runtime_error("could not reserve " + std::to_string(bytes >> 20) +
                           " MiB of memory. Use a smaller batch, context or model, or close other programs.");
}

}  // namespace

int64_t reservations() { return reserved.load(std::memory_order_relaxed); }

#if defined(__SANITIZE_ADDRESS__)

// The sanitizer watches the ends of what malloc returns, to the byte, and knows nothing of mmap.
void* reserve(int64_t bytes) {
  reserved.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::calloc(bytes < 1 ? 1 : size_t(bytes), 1);
  if (memory == nullptr) refuse(bytes);
  return memory;
}

void release(void* memory, int64_t) { std::free(memory); }

#else

void* reserve(int64_t bytes) {
  reserved.fetch_add(1, std::memory_order_relaxed);
  const int64_t size = roundUp(bytes < 1 ? 1 : bytes);
  // mmap aligns to small pages only: reserve one huge page more, then give back what lies outside the aligned part.
  // The arena's blocks may be longer than a small machine's memory: only what is written to counts.
#if defined(MAP_NORESERVE)
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#else
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#endif
  void* const raw = mmap(nullptr, size + hugePage, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (raw == MAP_FAILED) refuse(size);
  const auto address = reinterpret_cast<intptr_t>(raw);
  const intptr_t aligned = (address + hugePage - 1) / hugePage * hugePage;
  const intptr_t before = aligned - address, after = hugePage - before;
  if (before > 0) munmap(raw, before);
  if (after > 0) munmap(reinterpret_cast<void*>(aligned + size), after);
  void* const memory = reinterpret_cast<void*>(aligned);
#if defined(MADV_HUGEPAGE)
  madvise(memory, size, MADV_HUGEPAGE);
#endif
  return memory;
}

void release(void* memory, int64_t bytes) { munmap(memory, roundUp(bytes < 1 ? 1 : bytes)); }

#endif

}  // namespace parley
