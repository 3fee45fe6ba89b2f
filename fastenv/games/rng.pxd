# The random stream of an env, a seat or a run: PCG32 (XSH RR 64/32), 8 bytes of state.
# Source: M. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms
# for Random Number Generation", 2014. Seeds are spread by SplitMix64 (Steele, Lea, Flood 2014).
from libc.stdint cimport uint8_t, uint32_t, uint64_t


cdef inline uint64_t split_mix(uint64_t value) noexcept nogil:
    value += <uint64_t>0x9E3779B97F4A7C15
    value = (value ^ (value >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    value = (value ^ (value >> 27)) * <uint64_t>0x94D049BB133111EB
    return value ^ (value >> 31)


cdef inline uint64_t stream_of(uint64_t seed, uint64_t env, uint64_t purpose) noexcept nogil:
    """The start of the stream that belongs to (seed, env, purpose)."""
    return split_mix(split_mix(split_mix(seed) + env) + purpose)


cdef inline uint32_t draw(uint64_t* stream) noexcept nogil:
    """Next 32 random bits."""
    cdef uint64_t old = stream[0]
    stream[0] = old * <uint64_t>6364136223846793005 + <uint64_t>1442695040888963407
    cdef uint32_t xorshifted = <uint32_t>(((old >> 18) ^ old) >> 27)
    cdef uint32_t rotation = <uint32_t>(old >> 59)
    return (xorshifted >> rotation) | (xorshifted << ((32 - rotation) & 31))


cdef inline uint32_t draw_below(uint64_t* stream, uint32_t bound) noexcept nogil:
    """Integer in [0, bound), by multiplication; the bias is below bound / 2**32."""
    return <uint32_t>((<uint64_t>draw(stream) * bound) >> 32)


cdef inline bint draw_chance(uint64_t* stream, uint32_t percent) noexcept nogil:
    """True in `percent` of 100 draws."""
    return draw_below(stream, 100) < percent


cdef inline int draw_allowed(uint64_t* stream, const uint8_t* allowed, int count) noexcept nogil:
    """One of the places below `count` that are allowed, each alike; 0 if there is none."""
    cdef int place, pick = 0
    for place in range(count):
        pick += allowed[place]
    if pick == 0:
        return 0
    pick = draw_below(stream, pick)
    for place in range(count):
        if allowed[place]:
            if pick == 0:
                return place
            pick -= 1
    return 0
