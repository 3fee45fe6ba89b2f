# Sets of cells of a 13-column board as 128 bits. The top and bottom border rows are left out:
# bit = cell - 13, cells 13 to 129. The side columns are walls in every level, so a shift that
# runs over a row's end lands on a wall and is masked away with it.
from libc.stdint cimport uint64_t

cdef enum:
    ROW = 13

ctypedef struct Bits:
    uint64_t low
    uint64_t high


cdef inline Bits bits_none() noexcept nogil:
    cdef Bits result
    result.low = 0
    result.high = 0
    return result


cdef inline void bits_add(Bits* bits, int cell) noexcept nogil:
    cdef int index = cell - ROW
    if index < 64:
        bits.low |= <uint64_t>1 << index
    else:
        bits.high |= <uint64_t>1 << (index - 64)


cdef inline bint bits_has(Bits bits, int cell) noexcept nogil:
    cdef int index = cell - ROW
    if index < 64:
        return (bits.low >> index) & 1
    return (bits.high >> (index - 64)) & 1


cdef inline bint bits_any(Bits bits) noexcept nogil:
    return (bits.low | bits.high) != 0


cdef inline Bits bits_and(Bits a, Bits b) noexcept nogil:
    cdef Bits result
    result.low = a.low & b.low
    result.high = a.high & b.high
    return result


cdef inline Bits bits_or(Bits a, Bits b) noexcept nogil:
    cdef Bits result
    result.low = a.low | b.low
    result.high = a.high | b.high
    return result


cdef inline Bits bits_without(Bits a, Bits b) noexcept nogil:
    cdef Bits result
    result.low = a.low & ~b.low
    result.high = a.high & ~b.high
    return result


cdef inline Bits bits_neighbours(Bits a) noexcept nogil:
    """All cells beside a cell of `a`."""
    cdef Bits result
    result.low = (a.low << 1) | (a.low >> 1) | (a.high << 63) | (a.low << ROW) \
        | (a.low >> ROW) | (a.high << (64 - ROW))
    result.high = (a.high << 1) | (a.high >> 1) | (a.low >> 63) | (a.high << ROW) \
        | (a.high >> ROW) | (a.low >> (64 - ROW))
    return result
