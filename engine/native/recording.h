// Kernel calls that can be made again without JavaScript.
//
// A decoding step is some 150 calls that are alike from token to token: the same kernels on the same arrays, of which
// only the contents change. Made from JavaScript each takes two to three microseconds of checks, objects and unpacking
// beside its work, a tenth of a step in int8. So the calls of one step are recorded, with their arguments as they were
// unpacked, and the next steps make them in a loop (as CUDA graphs do).
//
//     recorded   embeddingForward(weight, ids, x) · normalisedProductPacked(x, …, qkv) · cachedAttention(qkv, …) · …
//     replayed   the same functions on the same memory; numbers and strings as they were
//
// The arguments are kept from being collected as long as the recording. What JavaScript did between the calls is not
// repeated, so a kernel that returns something to it cannot be recorded.
#pragma once
#include <node_api.h>

#include <functional>
#include <vector>

namespace parley {

struct Family;
struct Kernel;

extern const Family recordingFamily;

class Recording {
 public:
  explicit Recording(napi_env env);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  // `values` are the arguments as JavaScript has them.
  void add(const Kernel& kernel, std::function<void()> call, const napi_value* values, size_t count);

  // Throws what a call throws, with the kernel's name before it.
  void replay() const;

  static constexpr uint64_t handleTag = 0x7061636b65640003;
  static constexpr const char* handleName = "a recording";

 private:
  struct Call {
    const Kernel* kernel;
    std::function<void()> make;
  };

  napi_env env;
  napi_ref kept = nullptr;  // an array of the arguments
  uint32_t keptCount = 0;
  std::vector<Call> calls;
};

// The recording that takes the calls of this thread's kernels now, or null.
Recording* currentRecording();

}  // namespace parley
