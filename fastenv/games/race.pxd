# The state of one running game of Race; the rules are in race.pyx.
from libc.stdint cimport int32_t, uint8_t

from fastenv.games.game cimport Header

cdef enum:
    WIDTH = 13
    HEIGHT = 11
    CELLS = 143
    CELLS_PADDED = 144
    PLAYERS = 2
    ACTIONS = 5
    COINS = 9
    TICK_LIMIT = 240

# Actions; the last four are also the directions in which a player slides.
cdef enum:
    WAIT = 0
    UP = 1
    DOWN = 2
    LEFT = 3
    RIGHT = 4

# What a cell shows; level tiles have the same ids, but for the spawns.
cdef enum:
    FLOOR = 0
    WALL = 1
    CRATE = 2
    ICE = 3
    COIN = 4

cdef enum:
    COUNT_TICKS = 0
    COUNT_COINS = 1
    COUNT_PUSHES = 2
    COUNT_SLIDES = 3
    COUNT_WAITS = 4
    COUNT_DISTANCE = 5
    COUNT_WINS = 6
    COUNT_LOSSES = 7
    STATISTICS = 8

ctypedef struct Racer:
    uint8_t cell
    uint8_t sliding     # direction of a slide that goes on in the next tick, or WAIT
    uint8_t coins
    int32_t counters[STATISTICS]

ctypedef struct RaceState:
    Header header
    uint8_t cells[CELLS_PADDED]
    Racer players[PLAYERS]
    int32_t coins_left
    int32_t tick
    int32_t outcome

cdef int step_offset(int action) noexcept nogil
cdef bint blocks_step(uint8_t content) noexcept nogil
cdef bint is_push(const RaceState* state, int player, int action) noexcept nogil
cdef bint is_legal(const RaceState* state, int player, int action) noexcept nogil
