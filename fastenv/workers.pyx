"""Threads that share out the envs of a batch, in chunks of neighbours.

A thread that has nothing to do sleeps on a lock; none spins, so that a trainer or a window on the
same cores is not robbed of them. The caller works on the first chunk itself, then on those that no
thread has taken up meanwhile: on a busy machine a batch is about as fast as with one thread.

The threads never touch Python: they need no interpreter lock and outlive no batch.
"""

import os

from cpython.pythread cimport (
    NOWAIT_LOCK, WAIT_LOCK, PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock,
    PyThread_release_lock, PyThread_start_new_thread,
)
from libc.stdlib cimport calloc, free

cdef enum:
    SMALLEST_CHUNK = 2048   # envs; for fewer, waking a thread takes longer than it saves

# Threads do not live on in a forked process: there the caller does all.
cdef int forks = 0


def _count_fork():
    global forks
    forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


cdef void work(void* raw) noexcept nogil:
    cdef Worker* worker = <Worker*>raw
    while True:
        PyThread_acquire_lock(worker.go, WAIT_LOCK)
        if worker.task == NULL:
            PyThread_release_lock(worker.done)
            return
        worker.task(worker.context, worker.first, worker.end)
        PyThread_release_lock(worker.done)


cdef class Workers:
    """`wanted` threads beside the caller's own; with none, the caller does all."""

    def __cinit__(self, int wanted):
        cdef Worker* worker
        self.fork = forks
        self.workers = <Worker*>calloc(wanted + 1, sizeof(Worker))
        if self.workers == NULL:
            raise MemoryError(f"no room for {wanted} threads")
        while self.count < wanted:
            worker = &self.workers[self.count]
            worker.go = PyThread_allocate_lock()
            worker.done = PyThread_allocate_lock()
            if worker.go == NULL or worker.done == NULL:
                raise MemoryError("no room for locks")
            PyThread_acquire_lock(worker.go, NOWAIT_LOCK)
            PyThread_acquire_lock(worker.done, NOWAIT_LOCK)
            if <long>PyThread_start_new_thread(work, worker) == -1:
                raise RuntimeError(f"expected {wanted} more threads, got {self.count}")
            self.count += 1

    def __dealloc__(self):
        cdef int index
        cdef Worker* worker
        if self.workers == NULL or self.fork != forks:
            return
        for index in range(self.count):
            worker = &self.workers[index]
            worker.task = NULL
            PyThread_release_lock(worker.go)
            PyThread_acquire_lock(worker.done, WAIT_LOCK)
            PyThread_free_lock(worker.go)
            PyThread_free_lock(worker.done)
        free(self.workers)

    cdef void run(self, Task task, const void* context, int total) noexcept nogil:
        """Work on the envs from 0 to before `total`."""
        cdef int threads = self.count + 1 if self.fork == forks else 1
        cdef int chunk = max((total + threads - 1) // threads, SMALLEST_CHUNK)
        cdef int index, started = 0
        cdef Worker* worker
        while started < threads - 1 and (started + 1) * chunk < total:
            worker = &self.workers[started]
            worker.task = task
            worker.context = context
            worker.first = (started + 1) * chunk
            worker.end = min(worker.first + chunk, total)
            PyThread_release_lock(worker.go)
            started += 1
        task(context, 0, min(chunk, total))
        for index in range(started):
            worker = &self.workers[index]
            if PyThread_acquire_lock(worker.go, NOWAIT_LOCK):   # asleep still: do its chunk
                task(context, worker.first, worker.end)
            else:
                PyThread_acquire_lock(worker.done, WAIT_LOCK)
