// The addon's entry point: exports the functions of the kernel families for the chosen instruction set, and those of
// the run time itself (threads, memory).
#include "arena.h"
#include "binding.h"
#include "cpu.h"
#include "pool.h"
#include "precision.h"
#include "recording.h"

// build.ts defines PARLEY_FAMILIES(F), which applies F to the name of each file in kernels/, and PARLEY_ISAS(I),
// which applies I to each instruction set they were compiled for.
#define DECLARE_FAMILY(family) extern const Family family##Family;
#define COLLECT_FAMILY(family) &family##Family,
#define DECLARE_ISA(isa)                                  \
  namespace parley::isa {                                 \
  PARLEY_FAMILIES(DECLARE_FAMILY)                         \
  constexpr const Family* families[] = {PARLEY_FAMILIES(COLLECT_FAMILY)}; \
  }
PARLEY_ISAS(DECLARE_ISA)

namespace parley {
namespace {

double getThreads() { return threads(); }

void changeThreads(int64_t count) { setThreads(count > 1000000 ? 1000000 : int(count)); }

std::string precisionName() { return precision() == Precision::bf16 ? "bf16" : "f32"; }

void changePrecision(std::string name) {
  if (name != "bf16" && name != "f32") throw std::runtime_error("name is \"" + name + "\", expected bf16 or f32");
  setPrecision(name == "bf16" ? Precision::bf16 : Precision::f32);
}

std::string cpuFeatures() { return isaName(chosenIsa()); }

double countReservations() { return double(reservations()); }

// An ArrayBuffer over fresh zeroed memory on large pages.
napi_value reserveBlock(napi_env env, int64_t bytes) {
  void* const memory = reserve(bytes);
  napi_value result = nullptr;
  const auto finalize = [](napi_env, void* data, void* size) { release(data, reinterpret_cast<intptr_t>(size)); };
  if (napi_create_external_arraybuffer(env, memory, size_t(bytes), finalize, reinterpret_cast<void*>(intptr_t(bytes)),
                                       &result) != napi_ok) {
    release(memory, bytes);
    throw std::runtime_error("could not make an ArrayBuffer of " + std::to_string(bytes) + " bytes");
  }
  return result;
}

constexpr Kernel runtimeKernels[] = {
    unrecorded(kernel<getThreads>("threads")),
    unrecorded(kernel<changeThreads>("setThreads", {"count"})),
    unrecorded(kernel<precisionName>("precision")),
    unrecorded(kernel<changePrecision>("setPrecision", {"name"})),
    unrecorded(kernel<cpuFeatures>("cpuFeatures")),
    unrecorded(kernel<reserveBlock>("reserveBlock", {"bytes"})),
    unrecorded(kernel<countReservations>("reservations")),
};
constexpr Family runtimeFamily{runtimeKernels, int(sizeof runtimeKernels / sizeof runtimeKernels[0])};

void exportFamily(napi_env env, napi_value exports, const Family& family) {
  for (int i = 0; i < family.count; i++) {
    const Kernel& entry = family.kernels[i];
    napi_value function = nullptr;
    if (napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.callback, const_cast<Kernel*>(&entry),
                             &function) != napi_ok ||
        napi_set_named_property(env, exports, entry.name, function) != napi_ok) {
      throw std::runtime_error(std::string("could not export ") + entry.name);
    }
  }
}

void exportAll(napi_env env, napi_value exports) {
  exportFamily(env, exports, runtimeFamily);
  exportFamily(env, exports, recordingFamily);
  const Isa chosen = chosenIsa();
#define EXPORT_ISA(isa)                                                                 \
  if (chosen == Isa::isa) {                                                             \
    for (const Family* family : isa::families) exportFamily(env, exports, *family);     \
  }
  PARLEY_ISAS(EXPORT_ISA)
}

}  // namespace
}  // namespace parley

NAPI_MODULE_INIT() {
  try {
    parley::exportAll(env, exports);
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return exports;
}
