"""TensorFlow on one thread: the tests' trainings are tiny, and two threads on a busy machine wait
for each other more than they work."""

from contextlib import suppress


def tensorflow_threads() -> int:
    """How many threads a training in this process may name: they are set once a process, and
    whoever came first has chosen."""
    import tensorflow as tf

    with suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)
    return int(tf.config.threading.get_intra_op_parallelism_threads())
