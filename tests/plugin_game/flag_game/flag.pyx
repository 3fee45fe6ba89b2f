"""Flag: two players run for one flag among pillars, on 9 × 7 tiles.

The rules
---------
Every tick both players wait or step to a neighbouring cell that is no wall; any other action is
played as waiting and counted. If both would then stand on the same cell, or would swap cells, one
of them, drawn by chance, stays, and so does the other if her way is barred then. Who stands on the
flag has won (+1, the other -1). After tick 60 the game is cut off without a winner.
"""

from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memcpy

from fastenv.games.game cimport (
    RUNNING, TERMINATED, TRUNCATED, CompiledGame, Header, scripted,
)
from fastenv.games.rng cimport draw_below

import numpy as np

from fastenv.spec import Content, Field, GameSpec, LevelConstraints, Tile

cdef enum:
    WIDTH = 9
    HEIGHT = 7
    CELLS = 63
    ACTIONS = 5
    SCALARS = 6
    TICK_LIMIT = 60

# Level tiles and contents of cells alike, but for the spawns.
cdef enum:
    FLOOR = 0
    WALL = 1
    FLAG = 2
    LEVEL_SPAWN_1 = 3
    LEVEL_SPAWN_2 = 4

cdef enum:
    TICKS = 0
    WAITS = 1
    WINS = 2
    LOSSES = 3
    STATISTICS = 4

SPEC = GameSpec(
    name="flag",
    version=1,
    players=2,
    actions=("wait", "up", "down", "left", "right"),
    tiles=(
        Tile("floor", "."),
        Tile("wall", "#"),
        Tile("flag", "F"),
        Tile("spawn_1", "1"),
        Tile("spawn_2", "2"),
    ),
    height=HEIGHT,
    width=WIDTH,
    tick_rate=8,
    observation=(
        Field("cells", (HEIGHT, WIDTH), 0, FLAG),
        Field("own_column", (1,), 1, WIDTH - 2),
        Field("own_row", (1,), 1, HEIGHT - 2),
        Field("foe_column", (1,), 1, WIDTH - 2),
        Field("foe_row", (1,), 1, HEIGHT - 2),
        Field("ticks_left", (1,), 0, TICK_LIMIT),
        Field("seat", (1,), 0, 1),
    ),
    statistics=("ticks", "waits", "wins", "losses"),
    profile=(("wait", "waits", 1),),
    level_constraints=LevelConstraints(
        border="wall",
        exactly=(("spawn_1", 1), ("spawn_2", 1), ("flag", 1)),
        connected=("spawn_1", "spawn_2"),
        blocks_paths=("wall",),
        reachable=("flag",),
    ),
    contents=(
        Content("floor", ".", (70, 78, 96)),
        Content("wall", "#", (38, 40, 50), solid=True, opaque=True),
        Content("flag", "F", (232, 92, 70), small=True),
    ),
)

cdef int[ACTIONS] OFFSETS = [0, -WIDTH, WIDTH, -1, 1]

ctypedef struct FlagState:
    Header header
    uint8_t cells[CELLS]
    uint8_t at[2]
    int32_t tick
    int32_t outcome
    int32_t counters[2][STATISTICS]


cdef inline bint is_legal(const FlagState* state, int player, int action) noexcept nogil:
    return state.cells[state.at[player] + OFFSETS[action]] != WALL


cdef void flag_set_up(void* raw, const uint8_t* level) noexcept nogil:
    cdef FlagState* state = <FlagState*>raw
    cdef int cell
    for cell in range(CELLS):
        if level[cell] == LEVEL_SPAWN_1 or level[cell] == LEVEL_SPAWN_2:
            state.at[level[cell] - LEVEL_SPAWN_1] = cell
        else:
            state.cells[cell] = level[cell]


cdef inline bint collide(const FlagState* state, int first, int second) noexcept nogil:
    return first == second or (first == state.at[1] and second == state.at[0])


cdef int flag_step(void* raw, const uint8_t* actions, float* rewards) noexcept nogil:
    cdef FlagState* state = <FlagState*>raw
    cdef int player, action, stays
    cdef int[2] wanted
    rewards[0] = 0
    rewards[1] = 0
    if state.outcome != RUNNING:
        return state.outcome
    state.tick += 1
    for player in range(2):
        action = actions[player]
        if not is_legal(state, player, action):
            state.header.illegal_actions += 1
            action = 0
        state.counters[player][TICKS] += 1
        state.counters[player][WAITS] += action == 0
        wanted[player] = state.at[player] + OFFSETS[action]
    if collide(state, wanted[0], wanted[1]):
        stays = draw_below(&state.header.stream, 2)
        wanted[stays] = state.at[stays]
        if wanted[0] == wanted[1]:
            wanted[1 - stays] = state.at[1 - stays]
    for player in range(2):
        state.at[player] = wanted[player]
        if state.cells[wanted[player]] == FLAG:
            rewards[player] = 1
            rewards[1 - player] = -1
            state.counters[player][WINS] += 1
            state.counters[1 - player][LOSSES] += 1
            state.outcome = TERMINATED
    if state.outcome == RUNNING and state.tick == TICK_LIMIT:
        state.outcome = TRUNCATED
    return state.outcome


cdef void flag_observe(const void* raw, uint8_t* observations, uint8_t* legal) noexcept nogil:
    cdef const FlagState* state = <const FlagState*>raw
    cdef int player, own, foe
    for player in range(2):
        own, foe = state.at[player], state.at[1 - player]
        memcpy(observations, state.cells, CELLS)
        observations[CELLS] = own % WIDTH
        observations[CELLS + 1] = own // WIDTH
        observations[CELLS + 2] = foe % WIDTH
        observations[CELLS + 3] = foe // WIDTH
        observations[CELLS + 4] = TICK_LIMIT - state.tick
        observations[CELLS + 5] = player
        observations += CELLS + SCALARS
    flag_legal(raw, legal)


cdef void flag_survivable(const void* raw, int caution, uint8_t* masks) noexcept nogil:
    """Nobody dies: every legal action is survived."""
    flag_legal(raw, masks)


cdef void flag_legal(const void* raw, uint8_t* masks) noexcept nogil:
    """Legal actions of both players."""
    cdef int player, action
    for player in range(2):
        for action in range(ACTIONS):
            masks[player * ACTIONS + action] = is_legal(<const FlagState*>raw, player, action)


cdef void flag_statistics(const void* raw, int32_t* out) noexcept nogil:
    memcpy(out, (<const FlagState*>raw).counters, 2 * STATISTICS * sizeof(int32_t))


cdef bint flag_is_sound(const void* raw) noexcept nogil:
    cdef const FlagState* state = <const FlagState*>raw
    cdef int cell, player
    for cell in range(CELLS):
        if state.cells[cell] > FLAG:
            return False
        if not (0 < cell % WIDTH < WIDTH - 1 and 0 < cell // WIDTH < HEIGHT - 1) \
                and state.cells[cell] != WALL:
            return False
    for player in range(2):
        if state.at[player] >= CELLS or state.cells[state.at[player]] == WALL:
            return False
    return 0 <= state.tick <= TICK_LIMIT and RUNNING <= state.outcome <= TRUNCATED \
        and (state.outcome != RUNNING or state.tick < TICK_LIMIT)


cdef class FlagGame(CompiledGame):
    def __cinit__(self):
        self.spec = SPEC
        self.interface.state_size = sizeof(FlagState)
        self.interface.set_up = flag_set_up
        self.interface.step = flag_step
        self.interface.observe = flag_observe
        self.interface.survivable = flag_survivable
        self.interface.statistics = flag_statistics
        self.interface.is_sound = flag_is_sound

    cdef dict snapshot(self, const void* raw):
        cdef const FlagState* state = <const FlagState*>raw
        cells = np.array([state.cells[cell] for cell in range(CELLS)], np.uint8)
        return {
            "tiles": cells.reshape(HEIGHT, WIDTH),
            "players": [
                {"row": at // WIDTH, "column": at % WIDTH, "alive": True}
                for at in (int(state.at[0]), int(state.at[1]))
            ],
            "tick": state.tick,
            "tick_limit": TICK_LIMIT,
        }


GAME = FlagGame()


# --------------------------------------------------------------------------- scripted players

cdef uint8_t survivor(void* raw, int seat) noexcept nogil:
    """At random among the legal actions."""
    cdef FlagState* state = <FlagState*>raw
    cdef int action
    while True:
        action = draw_below(&state.header.seat_streams[seat], ACTIONS)
        if is_legal(state, seat, action):
            return action


cdef uint8_t runner(void* raw, int seat) noexcept nogil:
    """Towards the flag as the crow flies, else at random."""
    cdef FlagState* state = <FlagState*>raw
    cdef int own = state.at[seat], cell, flag = own, action = 0
    for cell in range(CELLS):
        if state.cells[cell] == FLAG:
            flag = cell
    if flag // WIDTH != own // WIDTH:
        action = 1 if flag < own else 2
    if action == 0 or not is_legal(state, seat, action):
        action = 3 if flag % WIDTH < own % WIDTH else 4
    return action if is_legal(state, seat, action) else survivor(raw, seat)


BOTS = {
    player.name: player for player in (scripted("survivor", survivor), scripted("runner", runner))
}
