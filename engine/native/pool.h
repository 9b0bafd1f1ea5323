// The thread pool. One dispatch runs one kernel on every thread; the threads of a dispatch form a Team, which knows
// its size and can meet at a barrier in the middle of a kernel.
//
//   Workers spin for a moment after a dispatch, since the next one usually follows within microseconds (waking a
//   spinning thread takes half a microsecond, waking a parked one five), then yield, then park. Whoever waits yields
//   its core after a few microseconds, so that an oversubscribed machine makes progress.
//
//   Work is split by Team::share, a pure function of (count, threads). A kernel is bit-identical for any number of
//   threads if each element of its output is computed by one thread in an order that does not depend on the split:
//   split outputs, never reductions.
#pragma once
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

  // This thread's part of `count` items, contiguous, in multiples of `grain` but for the last.
  Range share(int64_t count, int64_t grain = 1) const {
    const int64_t grains = (count + grain - 1) / grain;
    const int64_t begin = grains * thread / threads * grain;
    const int64_t end = grains * (thread + 1) / threads * grain;
    return {begin, end < count ? end : count};
  }

  // Every thread of the team must call it; what each wrote before is visible to all after.
  void barrier() const;

  Team(int thread, int threads) : thread(thread), threads(threads) {}
};

int threads();

// Throws std::runtime_error unless 1 <= count <= 256. The default is the number of processors this process may use.
void setThreads(int count);

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

// Runs body(begin, end) over a static split of 0 .. count - 1. `grain` is the least number of items that is worth
// waking a thread for; the split is in multiples of it.
template <class Body>
void parallel(int64_t count, int64_t grain, Body&& body) {
  if (count <= 0) return;
  const int64_t most = (count + grain - 1) / grain;
  onAllThreads(
      [&](const Team& team) {
        const Range range = team.share(count, grain);
        if (range.begin < range.end) body(range.begin, range.end);
      },
      most < 256 ? int(most) : 256);
}

}  // namespace parley
