// The thread pool. One dispatch runs one kernel on every thread; the threads of a dispatch form a Team, which knows
// its size and can meet at a barrier in the middle of a kernel.
//
//   Workers spin for a moment after a dispatch, since the next one usually follows within microseconds (waking a
//   spinning thread takes half a microsecond, waking a parked one five), then yield, then park. Whoever waits yields
//   its core after a few microseconds, so that an oversubscribed machine makes progress.
//
//   A kernel is bit-identical for any number of threads if each element of its output is computed by one thread in an
//   order that does not depend on how the work was split: split outputs, never reductions. Then it does not matter
//   either that threads which other programs hold up take less of it (WorkQueue).
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>

namespace parley {

struct Range {
  int64_t begin, end;
};

class Team {
 public:
  const int thread;   // 0 .. threads - 1
  const int threads;

  // A team of one: lets a kernel that is written for a team run inside a task of another.
  static Team alone() { return Team(0, 1); }

  // This thread's equal part of `count` items.
  Range share(int64_t count) const { return {count * thread / threads, count * (thread + 1) / threads}; }

  // Every thread of the team must call it; what each wrote before is visible to all after.
  void barrier() const;

  Team(int thread, int threads) : thread(thread), threads(threads) {}
};

int threads();

// Throws std::runtime_error unless 1 <= count <= 256. The default is the number of processors this process may use.
void setThreads(int count);

// Memory that the kernels after this one will read: `pieces` of `bytes`, `stride` bytes apart.
struct Reading {
  const char* from = nullptr;
  int64_t bytes = 0, stride = 0, pieces = 0;
};

// To be called in a task: the thread, if it is a worker, fetches the lines into its caches while it waits for a dispatch.
// Memory that has been freed meanwhile does no harm: lines that do not exist are asked for in vain.
void readWhileWaiting(const Reading& reading);

namespace detail {
using Task = void (*)(void* body, const Team& team);
void dispatch(Task task, void* body, int limit);
}  // namespace detail

// Runs body(team) on all threads (at most `limit`) and returns when every one is done. Not to be called inside a
// task, and the body must not throw.
template <class Body>
void onAllThreads(Body&& body, int limit = 256) {
  detail::dispatch([](void* pointer, const Team& team) { (*static_cast<Body*>(pointer))(team); }, (void*)&body, limit);
}

// Hands 0 .. count - 1 out in runs: to each thread its first(), then to whichever thread comes next. The last runs are
// shorter and shorter, so that the threads end together though one of them was held up (guided self-scheduling:
// Polychronopoulos and Kuck, 1987). A thread knows its first run before there is a queue, and may have it in its caches.
class WorkQueue {
 public:
  // Before each use, by one thread, with a barrier before the others take.
  void reset(int64_t newCount, int64_t newLongestRun, int newThreads) {
    count = newCount;
    longestRun = newLongestRun;
    shortestRun = (longestRun + 3) / 4;
    threads = newThreads;
    next.store(firstRun(count, longestRun, threads, threads).begin, std::memory_order_relaxed);
  }

  static Range firstRun(int64_t count, int64_t longestRun, int thread, int threads) {
    const int64_t length = std::min(longestRun, (count + 2 * threads - 1) / (2 * threads));
    return {std::min(count, thread * length), std::min(count, (thread + 1) * length)};
  }

  // body(run), until all runs are taken. To be called by every thread of a team of as many as reset() was told.
  template <class Body>
  void forEachRun(const Team& team, Body body) {
    Range run = firstRun(count, longestRun, team.thread, threads);
    for (; run.begin < run.end; run = take()) body(run);
  }

 private:
  // The next run that is not empty; an empty one when all are taken.
  Range take() {
    int64_t begin = next.load(std::memory_order_relaxed), length;
    do {
      const int64_t rest = count - begin, share = (rest + 2 * threads - 1) / (2 * threads);
      length = std::min(std::clamp(share, shortestRun, longestRun), rest);
    } while (!next.compare_exchange_weak(begin, begin + length, std::memory_order_relaxed));
    return {begin, begin + length};
  }

  int64_t count = 0, longestRun = 1, shortestRun = 1;
  int threads = 1;
  std::atomic<int64_t> next{0};
};

// Runs body(begin, end) over disjoint ranges that cover 0 .. count - 1, several per thread. `grain` is the least number
// of items that is worth waking a thread for; ranges begin at multiples of it.
template <class Body>
void parallel(int64_t count, int64_t grain, Body&& body) {
  if (count <= 0) return;
  const int64_t grains = (count + grain - 1) / grain;
  const int limit = grains < 256 ? int(grains) : 256, team = limit < threads() ? limit : threads();
  if (team == 1) return body(0, count);
  WorkQueue queue;
  queue.reset(grains, (grains + 8 * team - 1) / (8 * team), team);
  onAllThreads(
      [&](const Team& team) {
        queue.forEachRun(team, [&](Range run) {
          body(run.begin * grain, run.end * grain < count ? run.end * grain : count);
        });
      },
      limit);
}

}  // namespace parley
