// Which family of kernels this process runs. Every file in kernels/ is compiled once per family; the choice is made
// once, when the addon is loaded, from what the processor and the operating system support.
#pragma once
#include <string>

namespace parley {

// In order of preference: a processor that supports one supports all before it.
enum class Isa { portable, avx2, avx512, avx512bf16, amx };

// Throws std::runtime_error when PARLEY_CPU names a family that is unknown, not built, or not supported here.
Isa chosenIsa();

const char* isaName(Isa isa);

}  // namespace parley
