"""What a step costs at least: the copying of its observations, in the same kind of loop."""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy


def copy_rows(uint8_t[:, ::1] target not None, const uint8_t[:, ::1] source not None, int times):
    """Copy uint8 [rows, bytes] row by row, `times` times over; nothing else, without the
    interpreter. Raises ValueError for arrays that differ in shape."""
    cdef Py_ssize_t row, rows = source.shape[0], size = source.shape[1]
    if target.shape[0] != rows or target.shape[1] != size:
        raise ValueError(
            f"expected a target of shape [{rows}, {size}], "
            f"got [{target.shape[0]}, {target.shape[1]}]"
        )
    with nogil:
        for _ in range(times):
            for row in range(rows):
                memcpy(&target[row, 0], &source[row, 0], size)
