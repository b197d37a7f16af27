// SPDX-License-Identifier: Apache-2.0
// Tells ThreadSanitizer what absl::Mutex and the reference counts of absl::Status order. Debian's
// libabsl is built without TSan, which therefore sees no lock at all and calls every guarded access
// a race. In TSan builds the linker (--wrap, deploy/cmake/Kilonova.cmake) sends those calls of our
// objects through here; nothing else of the program changes, and a real race is still reported.
#include <sanitizer/tsan_interface.h>

#include <cstdint>

#define KN_MUTEX(name) _ZN4absl7debian35Mutex##name
#define KN_CONDVAR(name) _ZN4absl7debian37CondVar##name
#define KN_STATUS(name) _ZN4absl7debian36Status##name
#define KN_CAT_INNER(a, b) a##b
#define KN_CAT(a, b) KN_CAT_INNER(a, b)
#define KN_REAL(symbol) KN_CAT(__real_, symbol)
#define KN_WRAP(symbol) KN_CAT(__wrap_, symbol)

extern "C" {

// libabsl evaluates the conditions of waiters while it has the lock, seen by nobody: in Unlock for
// other threads, in Await for its own. Those reads are left out; what holds the lock and reads
// outside of a condition is watched as ever. Lock has libabsl's own map of locks, for deadlocks.
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
struct IgnoreReads {
  IgnoreReads() { AnnotateIgnoreReadsBegin(__FILE__, __LINE__); }
  ~IgnoreReads() { AnnotateIgnoreReadsEnd(__FILE__, __LINE__); }
};

#define KN_ACQUIRING(symbol)          \
  void KN_REAL(symbol)(void* mutex);  \
  void KN_WRAP(symbol)(void* mutex) { \
    {                                 \
      const IgnoreReads deadlock_map; \
      KN_REAL(symbol)(mutex);         \
    }                                 \
    __tsan_acquire(mutex);            \
  }
#define KN_RELEASING(symbol)          \
  void KN_REAL(symbol)(void* mutex);  \
  void KN_WRAP(symbol)(void* mutex) { \
    __tsan_release(mutex);            \
    const IgnoreReads conditions;     \
    KN_REAL(symbol)(mutex);           \
  }

KN_ACQUIRING(KN_MUTEX(4LockEv))
KN_ACQUIRING(KN_MUTEX(10ReaderLockEv))
KN_RELEASING(KN_MUTEX(6UnlockEv))
KN_RELEASING(KN_MUTEX(12ReaderUnlockEv))

#define KN_LOCK_WHEN(symbol)                                 \
  void KN_REAL(symbol)(void* mutex, const void* condition);  \
  void KN_WRAP(symbol)(void* mutex, const void* condition) { \
    {                                                        \
      const IgnoreReads conditions;                          \
      KN_REAL(symbol)(mutex, condition);                     \
    }                                                        \
    __tsan_acquire(mutex);                                   \
  }
KN_LOCK_WHEN(KN_MUTEX(8LockWhenERKNS0_9ConditionE))

// Waiting gives the mutex up and takes it back.
void KN_REAL(KN_MUTEX(5AwaitERKNS0_9ConditionE))(void* mutex, const void* condition);
void KN_WRAP(KN_MUTEX(5AwaitERKNS0_9ConditionE))(void* mutex, const void* condition) {
  __tsan_release(mutex);
  {
    const IgnoreReads conditions;
    KN_REAL(KN_MUTEX(5AwaitERKNS0_9ConditionE))(mutex, condition);
  }
  __tsan_acquire(mutex);
}

// absl::Duration travels in two registers: 8 bytes of seconds, 4 of ticks.
struct DurationBits {
  std::int64_t high;
  std::uint32_t low;
};

#define KN_AWAIT_TIMED(symbol)                                                   \
  bool KN_REAL(symbol)(void* mutex, const void* condition, DurationBits limit);  \
  bool KN_WRAP(symbol)(void* mutex, const void* condition, DurationBits limit) { \
    __tsan_release(mutex);                                                       \
    bool met = false;                                                            \
    {                                                                            \
      const IgnoreReads conditions;                                              \
      met = KN_REAL(symbol)(mutex, condition, limit);                            \
    }                                                                            \
    __tsan_acquire(mutex);                                                       \
    return met;                                                                  \
  }
KN_AWAIT_TIMED(KN_MUTEX(16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE))
KN_AWAIT_TIMED(KN_MUTEX(17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE))

void KN_REAL(KN_CONDVAR(4WaitEPNS0_5MutexE))(void* condition, void* mutex);
void KN_WRAP(KN_CONDVAR(4WaitEPNS0_5MutexE))(void* condition, void* mutex) {
  __tsan_release(mutex);
  KN_REAL(KN_CONDVAR(4WaitEPNS0_5MutexE))(condition, mutex);
  __tsan_acquire(mutex);
}

#define KN_WAIT_TIMED(symbol)                                              \
  bool KN_REAL(symbol)(void* condition, void* mutex, DurationBits limit);  \
  bool KN_WRAP(symbol)(void* condition, void* mutex, DurationBits limit) { \
    __tsan_release(mutex);                                                 \
    const bool expired = KN_REAL(symbol)(condition, mutex, limit);         \
    __tsan_acquire(mutex);                                                 \
    return expired;                                                        \
  }
KN_WAIT_TIMED(KN_CONDVAR(15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE))
KN_WAIT_TIMED(KN_CONDVAR(16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE))

// Copies of one Status share what it holds; the last to let go of it frees it.
void KN_REAL(KN_STATUS(15UnrefNonInlinedEm))(std::uintptr_t shared);
void KN_WRAP(KN_STATUS(15UnrefNonInlinedEm))(std::uintptr_t shared) {
  auto* const count = reinterpret_cast<void*>(shared - 1);  // the pointer is tagged
  __tsan_release(count);
  __tsan_acquire(count);
  KN_REAL(KN_STATUS(15UnrefNonInlinedEm))(shared);
}

}  // extern "C"
