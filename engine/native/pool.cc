#include "pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "flush.h"

namespace parley {
namespace {

constexpr int pausesBeforeYield = 200;  // about 3 microseconds of a modern x86's pause instruction
constexpr auto yieldBeforePark = std::chrono::microseconds(80);

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

template <class Condition>
void spinUntil(Condition done) {
  for (int i = 0; !done(); i++) {
    if (i < pausesBeforeYield) pause();
    else std::this_thread::yield();
  }
}

// What this thread fetches while it waits, and how far it is.
struct Fetching {
  Reading what;
  int64_t piece = 0, offset = 0;

  bool done() const { return piece >= what.pieces; }

  void fetchLines() {
    constexpr int64_t line = 64, lines = 8;
    const char* const from = what.from + piece * what.stride + offset;
    for (int64_t i = 0; i < lines; i++) __builtin_prefetch(from + i * line, 0, 2);
    offset += lines * line;
    if (offset >= what.bytes) piece++, offset = 0;
  }
};

thread_local Fetching reading;

int availableProcessors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  const int count = int(std::thread::hardware_concurrency());
  return count > 0 ? count : 1;
}

// Lives until the process ends: its detached workers may be parked on its members while static objects are destroyed.
struct Pool {
  std::mutex dispatching;  // JavaScript worker threads of one process share the pool, one kernel at a time
  int size = availableProcessors() < mostThreads ? availableProcessors() : mostThreads;
  int started = 1;  // threads that exist, the caller included

  detail::Task task = nullptr;
  void* body = nullptr;
  int team = 1;

  alignas(64) std::atomic<uint64_t> generation{0};
  alignas(64) std::atomic<int> working{0};
  alignas(64) std::atomic<int> arrived{0};
  alignas(64) std::atomic<uint64_t> barriers{0};
  alignas(64) std::atomic<int> leads{0};  // calls of followFirst() by thread 0 in this dispatch

  std::mutex parking;
  std::condition_variable wake;
  std::atomic<int> parked{0};

  void start(int wanted) {
    for (; started < wanted; started++) std::thread(&Pool::work, this, started, generation.load()).detach();
  }

  void work(int index, uint64_t seen) {
    const FlushDenormals flush;
    for (;;) {
      awaitDispatch(seen);
      seen++;
      // Dispatches wait for every started thread, so `task`, `body` and `team` cannot change under us.
      if (index < team) task(body, Team(index, team));
      working.fetch_sub(1, std::memory_order_release);
    }
  }

  void awaitDispatch(uint64_t seen) {
    while (!reading.done()) {
      if (generation.load(std::memory_order_acquire) != seen) return;
      reading.fetchLines();
    }
    for (int i = 0; i < pausesBeforeYield; i++) {
      if (generation.load(std::memory_order_acquire) != seen) return;
      pause();
    }
    const auto deadline = std::chrono::steady_clock::now() + yieldBeforePark;
    while (std::chrono::steady_clock::now() < deadline) {
      if (generation.load(std::memory_order_acquire) != seen) return;
      std::this_thread::yield();
    }
    std::unique_lock lock(parking);
    parked.fetch_add(1);
    wake.wait(lock, [&] { return generation.load() != seen; });
    parked.fetch_sub(1);
  }

  void run(detail::Task newTask, void* newBody, int limit) {
    std::lock_guard lock(dispatching);
    task = newTask;
    body = newBody;
    team = limit < size ? limit : size;
    if (team > 1) {
      start(team);
      leads.store(0, std::memory_order_relaxed);
      working.store(started - 1, std::memory_order_relaxed);
      generation.fetch_add(1);
      if (parked.load() > 0) {
        { std::lock_guard order(parking); }  // a worker between its last look and its wait must not miss the call
        wake.notify_all();
      }
    }
    task(body, Team(0, team));
    if (team > 1) spinUntil([&] { return working.load(std::memory_order_acquire) == 0; });
  }

  void barrier(int count) {
    const uint64_t now = barriers.load(std::memory_order_relaxed);
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
      arrived.store(0, std::memory_order_relaxed);
      barriers.store(now + 1, std::memory_order_release);
    } else {
      spinUntil([&] { return barriers.load(std::memory_order_acquire) != now; });
    }
  }
};

Pool& pool() {
  static Pool* const instance = new Pool;
  return *instance;
}

}  // namespace

void Team::barrier() const {
  if (threads > 1) pool().barrier(threads);
}

void Team::followFirst() const {
  if (threads == 1) return;
  followed++;
  if (thread == 0) pool().leads.store(followed, std::memory_order_release);
  else spinUntil([&] { return pool().leads.load(std::memory_order_acquire) >= followed; });
}

void readWhileWaiting(const Reading& what) { reading = {what}; }

int threads() { return pool().size; }

void setThreads(int count) {
  if (count < 1 || count > mostThreads) {
    throw std::runtime_error("count is " + std::to_string(count) + ", expected 1 to " + std::to_string(mostThreads));
  }
  std::lock_guard lock(pool().dispatching);
  pool().size = count;
}

void detail::dispatch(Task task, void* body, int limit) { pool().run(task, body, limit < 1 ? 1 : limit); }

}  // namespace parley
