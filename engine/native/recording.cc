#include "recording.h"

#include "binding.h"

namespace parley {
namespace {

// Not an owner: at the end of a thread there is no environment left to give the arguments back to.
thread_local Recording* current = nullptr;

void startRecording(napi_env env) {
  if (current != nullptr) throw std::runtime_error("another recording is under way");
  current = new Recording(env);
}

napi_value stopRecording(napi_env env) {
  if (current == nullptr) throw std::runtime_error("no recording is under way");
  return handle(env, std::unique_ptr<Recording>(std::exchange(current, nullptr)));
}

void replay(Handle<Recording>& recording) { recording.value->replay(); }

constexpr Kernel kernels[] = {
    unrecorded(kernel<startRecording>("startRecording")),
    unrecorded(kernel<stopRecording>("stopRecording")),
    unrecorded(kernel<replay>("replay", {"calls"})),
};

}  // namespace

constexpr Family recordingFamily{kernels, int(sizeof kernels / sizeof kernels[0])};

Recording* currentRecording() { return current; }

Recording::Recording(napi_env environment) : env(environment) {
  napi_value array = nullptr;
  if (napi_create_array(env, &array) != napi_ok || napi_create_reference(env, array, 1, &kept) != napi_ok) {
    throw std::runtime_error("could not make an array");
  }
}

Recording::~Recording() { napi_delete_reference(env, kept); }

void Recording::add(const Kernel& kernel, std::function<void()> call, const napi_value* values, size_t count) {
  napi_value array = nullptr;
  napi_get_reference_value(env, kept, &array);
  for (size_t i = 0; i < count; i++) {
    if (napi_set_element(env, array, keptCount++, values[i]) != napi_ok) {
      throw std::runtime_error("could not keep the arguments");
    }
  }
  calls.push_back({&kernel, std::move(call)});
}

void Recording::replay() const {
  for (const Call& call : calls) {
    try {
      call.make();
    } catch (const std::exception& error) {
      throw std::runtime_error(std::string(call.kernel->name) + ": " + error.what());
    }
  }
}

}  // namespace parley
