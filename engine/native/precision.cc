#include "precision.h"

#include <atomic>

namespace parley {
namespace {

std::atomic<Precision> current{Precision::bf16};

}  // namespace

Precision precision() { return current.load(std::memory_order_relaxed); }

void setPrecision(Precision value) { current.store(value, std::memory_order_relaxed); }

}  // namespace parley
