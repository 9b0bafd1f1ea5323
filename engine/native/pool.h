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

constexpr int mostThreads = 256;

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

  // To be called by every thread too, but thread 0 does not wait: what it wrote before is visible to the others after.
  void followFirst() const;

  Team(int thread, int threads) : thread(thread), threads(threads) {}

 private:
  mutable int followed = 0;  // calls of followFirst()
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
void onAllThreads(Body&& body, int limit = mostThreads) {
  detail::dispatch([](void* pointer, const Team& team) { (*static_cast<Body*>(pointer))(team); }, (void*)&body, limit);
}

// Hands 0 .. count - 1 out in runs. Every thread has an equal part, the same for the same count: what one kernel wrote
// there lies in the caches of the thread that reads it in the next, which matters where processors are far apart. It
// takes runs from the front of its part; when that is done, from the end of the part that has most left. Runs get
// shorter and shorter, so that the threads end together though one of them was held up (guided self-scheduling:
// Polychronopoulos and Kuck, 1987).
class WorkQueue {
 public:
  // Before each use, by thread 0, with a barrier or followFirst() before the others take. `count` is less than 2^32.
  void reset(int64_t count, int64_t newLongestRun, int newThreads) {
    longestRun = newLongestRun;
    threads = newThreads;
    for (int thread = 0; thread < threads; thread++) {
      left[thread].store(pack(Team(thread, threads).share(count)), std::memory_order_relaxed);
    }
  }

  // body(run), until all runs are taken. To be called by every thread of a team of as many as reset() was told.
  template <class Body>
  void forEachRun(const Team& team, Body body) {
    for (Range run = take(team.thread); run.begin < run.end; run = take(team.thread)) body(run);
  }

  // The run that a thread begins with, if nobody was there before.
  static Range firstRun(int64_t count, int64_t longestRun, const Team& team) {
    const Range part = team.share(count);
    return {part.begin, part.begin + lengthOf(part, longestRun)};
  }

 private:
  // The next run for a thread; an empty one when all are taken.
  Range take(int thread) {
    Left& own = left[thread];
    uint64_t seen = own.load(std::memory_order_relaxed);
    for (Range part = unpack(seen); part.begin < part.end; part = unpack(seen)) {
      const int64_t end = part.begin + lengthOf(part, longestRun);
      if (own.compare_exchange_weak(seen, pack({end, part.end}), std::memory_order_relaxed)) return {part.begin, end};
    }
    return takeFromOthers();
  }

  Range takeFromOthers() {
    for (;;) {
      int victim = 0;
      Range most{0, 0};
      for (int other = 0; other < threads; other++) {
        const Range part = unpack(left[other].load(std::memory_order_relaxed));
        if (part.end - part.begin > most.end - most.begin) most = part, victim = other;
      }
      if (most.begin == most.end) return most;
      const int64_t begin = most.end - lengthOf(most, longestRun);
      uint64_t seen = pack(most);
      if (left[victim].compare_exchange_weak(seen, pack({most.begin, begin}), std::memory_order_relaxed)) {
        return {begin, most.end};
      }
    }
  }

  static int64_t lengthOf(const Range& part, int64_t longest) {
    const int64_t rest = part.end - part.begin, shortest = (longest + 7) / 8;
    return std::min(std::clamp((rest + 1) / 2, shortest, longest), rest);
  }

  static uint64_t pack(const Range& part) { return uint64_t(part.begin) << 32 | uint64_t(part.end); }
  static Range unpack(uint64_t packed) { return {int64_t(packed >> 32), int64_t(packed & 0xffffffff)}; }

  struct alignas(64) Left : std::atomic<uint64_t> {};
  int64_t longestRun = 1;
  int threads = 1;
  Left left[mostThreads];
};

// Runs body(begin, end) over disjoint ranges that cover 0 .. count - 1, several per thread. `grain` is the least number
// of items that is worth waking a thread for; ranges begin at multiples of it.
template <class Body>
void parallel(int64_t count, int64_t grain, Body&& body) {
  if (count <= 0) return;
  const int64_t grains = (count + grain - 1) / grain;
  const int limit = grains < mostThreads ? int(grains) : mostThreads, team = limit < threads() ? limit : threads();
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
