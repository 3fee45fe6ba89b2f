# The state of one running game of Blast; the rules are in blast.pyx.
from libc.stdint cimport int32_t, uint8_t

from fastenv.games.bitboard cimport Bits
from fastenv.games.game cimport Header

cdef enum:
    WIDTH = 13
    HEIGHT = 11
    CELLS = 143
    CELLS_PADDED = 144
    PLAYERS = 2
    ACTIONS = 6
    MAX_BOMBS = 8
    FUSE = 8
    CLOSING_TICK = 200
    CLOSING_CELLS = 99

cdef enum:
    WAIT = 0
    UP = 1
    DOWN = 2
    LEFT = 3
    RIGHT = 4
    BOMB = 5

# What a cell shows; the high four bits of a cell hold its danger.
cdef enum:
    FLOOR = 0
    WALL = 1
    CRATE = 2
    RANGE_ITEM = 3
    BOMB_ITEM = 4
    BOMB_HERE = 5

cdef enum:
    CONTENT = 15
    DANGER_SHIFT = 4

cdef enum:
    TICKS = 0
    BOMBS = 1
    CRATES = 2
    ITEMS = 3
    KILLS = 4
    WAITS = 5
    DISTANCE = 6
    SELF_KILLS = 7
    WINS = 8
    EARLY_WINS = 9
    LOSSES = 10
    STATISTICS = 11

ctypedef struct Bomb:
    uint8_t cell
    uint8_t fuse        # ticks until it bursts
    uint8_t range
    uint8_t owner

ctypedef struct Player:
    uint8_t cell
    uint8_t alive
    uint8_t bombs       # that can be laid now
    uint8_t capacity    # bombs in hand and on the board
    uint8_t range
    int32_t counters[STATISTICS]

# The cells once more as sets, for rays and floods; `derive_boards` makes them from the rest.
ctypedef struct Boards:
    Bits open       # no wall: flames can enter
    Bits crates
    Bits bombs
    Bits items      # that lie open
    Bits[MAX_BOMBS] reach       # of each bomb: the cells that its flames would cover now

ctypedef struct BlastState:
    Header header
    uint8_t cells[CELLS_PADDED]     # content | danger << 4
    Bits hidden_ranges              # crates under which a range item lies
    Bits hidden_bombs               # the same for a bomb item
    Bomb bombs[MAX_BOMBS]
    Player players[PLAYERS]
    int32_t bomb_count
    int32_t tick
    int32_t closing_path            # which of the eight spirals this episode closes by
    int32_t ended
    Bits flames                     # of the last tick, for pictures only
    Boards boards                   # derived, and so the last: it is not saved

cdef int step_offset(int action) noexcept nogil
cdef Bits free_cells(const Boards* boards) noexcept nogil
cdef Bits spread(Bits origins, int range_, Bits open_cells, Bits stops) noexcept nogil
cdef void survivable_actions(const BlastState* state, int player, uint8_t* mask) noexcept nogil
