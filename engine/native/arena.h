// Blocks of memory for activations, reserved once and reused every step. Large pages matter: a step touches hundreds
// of megabytes, and with 4 KiB pages the address translation alone costs several percent.
#pragma once
#include <cstdint>

namespace parley {

constexpr int64_t hugePage = int64_t(2) << 20;

// Zeroed memory, aligned to 2 MiB, on large pages where the system has them. Pages are taken when first touched.
// Throws std::runtime_error when the system refuses.
void* reserve(int64_t bytes);

// How often reserve() was called so far. It stands still in the steady state: a test holds training steps to that.
int64_t reservations();

// Gives back what reserve(bytes) returned.
void release(void* memory, int64_t bytes);

}  // namespace parley
