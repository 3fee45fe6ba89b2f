# Threads that share out the envs of a batch; see workers.pyx.

# Works on the envs from `first` to before `end`; must not depend on how they are shared out.
ctypedef void (*Task)(const void* context, int first, int end) noexcept nogil

ctypedef struct Worker:
    void* go                # a lock: free while a task waits to be taken up
    void* done              # a lock: free once that task is worked off
    Task task               # NULL: the thread ends
    const void* context
    int first, end

cdef class Workers:
    cdef Worker* workers
    cdef readonly int count
    cdef int fork
    cdef void run(self, Task task, const void* context, int total) noexcept nogil
