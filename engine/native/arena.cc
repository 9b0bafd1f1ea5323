#include "arena.h"

#include <sys/mman.h>

#include <stdexcept>
#include <string>

namespace parley {
namespace {

int64_t roundUp(int64_t bytes) { return (bytes + hugePage - 1) / hugePage * hugePage; }

}  // namespace

void* reserve(int64_t bytes) {
  const int64_t size = roundUp(bytes < 1 ? 1 : bytes);
  // mmap aligns to small pages only: reserve one huge page more, then give back what lies outside the aligned part.
  void* const raw = mmap(nullptr, size + hugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) {
    throw std::runtime_error("could not reserve " + std::to_string(size >> 20) +
                             " MiB of memory. Use a smaller batch, context or model, or close other programs.");
  }
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

}  // namespace parley
