# Sets of cells of a 13-column board as 128 bits. The top and bottom border rows are left out:
# bit = cell - 13, cells 13 to 129. The side columns are walls in every level, so a shift that
# runs over a row's end lands on a wall and is masked away with it. Only cells inside the border
# may be added, removed or asked for.
from libc.stdint cimport uint8_t, uint64_t

cdef extern from *:
    """
    #ifdef _MSC_VER
    #include <intrin.h>
    static __inline int lowest_bit(unsigned long long word) {
        unsigned long index;
        _BitScanForward64(&index, word);
        return (int)index;
    }
    #else
    static inline int lowest_bit(unsigned long long word) { return __builtin_ctzll(word); }
    #endif
    """
    int lowest_bit(uint64_t word) noexcept nogil     # of a word that is not 0

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


cdef inline Bits bits_all() noexcept nogil:
    cdef Bits result
    result.low = ~<uint64_t>0
    result.high = ~<uint64_t>0
    return result


cdef inline Bits bits_of(int cell) noexcept nogil:
    """The set of this one cell."""
    cdef Bits result
    cdef int index = cell - ROW
    cdef uint64_t is_high = index >> 6
    result.low = (is_high ^ 1) << (index & 63)
    result.high = is_high << (index & 63)
    return result


cdef inline bint bits_has(Bits bits, int cell) noexcept nogil:
    cdef int index = cell - ROW
    return ((bits.high if index >> 6 else bits.low) >> (index & 63)) & 1


cdef inline bint bits_any(Bits bits) noexcept nogil:
    return (bits.low | bits.high) != 0


cdef inline bint bits_same(Bits a, Bits b) noexcept nogil:
    return ((a.low ^ b.low) | (a.high ^ b.high)) == 0


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


cdef inline void bits_add(Bits* bits, int cell) noexcept nogil:
    bits[0] = bits_or(bits[0], bits_of(cell))


cdef inline void bits_remove(Bits* bits, int cell) noexcept nogil:
    bits[0] = bits_without(bits[0], bits_of(cell))


cdef inline int bits_pop(Bits* bits) noexcept nogil:
    """Take the lowest cell out of a set that has one."""
    cdef int index
    if bits.low:
        index = lowest_bit(bits.low)
        bits.low &= bits.low - 1
        return ROW + index
    index = lowest_bit(bits.high)
    bits.high &= bits.high - 1
    return ROW + 64 + index


cdef inline Bits bits_up(Bits a) noexcept nogil:
    cdef Bits result
    result.low = (a.low >> ROW) | (a.high << (64 - ROW))
    result.high = a.high >> ROW
    return result


cdef inline Bits bits_down(Bits a) noexcept nogil:
    cdef Bits result
    result.low = a.low << ROW
    result.high = (a.high << ROW) | (a.low >> (64 - ROW))
    return result


cdef inline Bits bits_left(Bits a) noexcept nogil:
    cdef Bits result
    result.low = (a.low >> 1) | (a.high << 63)
    result.high = a.high >> 1
    return result


cdef inline Bits bits_right(Bits a) noexcept nogil:
    cdef Bits result
    result.low = a.low << 1
    result.high = (a.high << 1) | (a.low >> 63)
    return result


cdef inline Bits bits_neighbours(Bits a) noexcept nogil:
    """All cells beside a cell of `a`."""
    return bits_or(bits_or(bits_up(a), bits_down(a)), bits_or(bits_left(a), bits_right(a)))


cdef inline uint64_t eight_bytes(const uint8_t* bytes) noexcept nogil:
    """Eight bytes as one word, the first the lowest; compilers make one load of it."""
    return (
        <uint64_t>bytes[0] | <uint64_t>bytes[1] << 8 | <uint64_t>bytes[2] << 16
        | <uint64_t>bytes[3] << 24 | <uint64_t>bytes[4] << 32 | <uint64_t>bytes[5] << 40
        | <uint64_t>bytes[6] << 48 | <uint64_t>bytes[7] << 56
    )


cdef inline uint64_t empty_bytes(uint64_t word) noexcept nogil:
    """Which of the eight bytes, each at most 128, are 0, as eight bits."""
    cdef uint64_t flags = (~(word + <uint64_t>0x7F7F7F7F7F7F7F7F) >> 7) \
        & <uint64_t>0x0101010101010101
    return (flags * <uint64_t>0x0102040810204080) >> 56


cdef inline Bits bits_is(const uint8_t* cells, int shift, uint8_t value) noexcept nogil:
    """Cells whose four bits from bit `shift` on (0 or 4) are `value`; `cells` has the bytes of the
    whole board and is read up to cell 140, in the bottom border."""
    cdef uint64_t four_bits = <uint64_t>0x0F0F0F0F0F0F0F0F
    cdef uint64_t values = value * <uint64_t>0x0101010101010101
    cdef const uint8_t* group = cells + ROW
    cdef int first
    cdef Bits result = bits_none()
    for first in range(0, 64, 8):
        result.low |= \
            empty_bytes(((eight_bytes(group + first) >> shift) & four_bits) ^ values) << first
        result.high |= \
            empty_bytes(((eight_bytes(group + 64 + first) >> shift) & four_bits) ^ values) << first
    return result
