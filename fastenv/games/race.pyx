"""Race: two players run for coins over floor, ice and between crates, on 13 × 11 tiles.

The rules
---------
The board is walls, crates, ice and floor inside a border of walls; 9 coins lie on the floor. Player
1 starts on spawn 1, player 2 on spawn 2. Every tick, in this order:

1.  Both players act at once. A player waits, or steps to one of the four neighbouring cells. A step
    needs a cell that is no wall. A step onto a crate pushes it one cell further; that cell must be
    bare floor without a player. Any other action is played as waiting and counted. Who slides has
    no choice: waiting is her only action, and she moves one cell on.
2.  If both would then stand on the same cell, or would swap cells, both stay, and so do the crates
    that they push; likewise if one would push a crate to where the other goes or pushes one.
3.  A player who has come onto ice slides on in the next tick, unless a wall or a crate is in her
    way. Who could not move slides no further.
4.  A player who stands on a coin takes it.
5.  Who has 5 coins has won: +1, the other -1.
6.  If nobody has won by the end of tick 240, the race is cut off, as it stands, without a winner.

The end by rule 5 is a termination, the end by rule 6 a truncation. Nobody can die: what is legal is
survivable.

What a player sees
------------------
Every cell's content (its danger is always 0), where both players are, who has how many coins, who
is sliding, and how many ticks are left.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memcpy

from fastenv.games.game cimport RUNNING, TERMINATED, TRUNCATED, CompiledGame

import numpy as np

from fastenv.spec import Content, Field, GameSpec, LevelConstraints, Tile

SPEC = GameSpec(
    name="race",
    version=1,
    players=PLAYERS,
    actions=("wait", "up", "down", "left", "right"),
    tiles=(
        Tile("floor", "."),
        Tile("wall", "#"),
        Tile("crate", "+"),
        Tile("ice", "~"),
        Tile("coin", "o"),
        Tile("spawn_1", "1"),
        Tile("spawn_2", "2"),
    ),
    height=HEIGHT,
    width=WIDTH,
    tick_rate=10,
    observation=(
        Field("cells", (HEIGHT, WIDTH), 0, COIN),
        Field("own_column", (1,), 1, WIDTH - 2),
        Field("own_row", (1,), 1, HEIGHT - 2),
        Field("foe_column", (1,), 1, WIDTH - 2),
        Field("foe_row", (1,), 1, HEIGHT - 2),
        Field("own_coins", (1,), 0, COINS // 2 + 1),
        Field("foe_coins", (1,), 0, COINS // 2 + 1),
        Field("coins_left", (1,), 0, COINS),
        Field("own_sliding", (1,), 0, 1),
        Field("foe_sliding", (1,), 0, 1),
        Field("ticks_left", (1,), 0, TICK_LIMIT),
        Field("seat", (1,), 0, 1),
    ),
    statistics=("ticks", "coins", "pushes", "slides", "waits", "distance", "wins", "losses"),
    profile=(
        ("coins", "coins", 100),
        ("pushes", "pushes", 100),
        ("slides", "slides", 1),
        ("wait", "waits", 1),
        ("distance", "distance", 1),
    ),
    level_constraints=LevelConstraints(
        border="wall",
        exactly=(("spawn_1", 1), ("spawn_2", 1), ("coin", COINS)),
        at_most=(("ice", 14),),
        connected=("spawn_1", "spawn_2"),
        blocks_paths=("wall", "crate"),
        reachable=("coin",),
    ),
    contents=(
        Content("floor", ".", (58, 94, 60)),
        Content("wall", "#", (44, 44, 52), solid=True, opaque=True),
        Content("crate", "+", (150, 106, 62), solid=True, opaque=True),
        Content("ice", "~", (168, 214, 232)),
        Content("coin", "o", (246, 206, 74), small=True),
    ),
)

cdef enum:
    SCALARS = 11
    OBSERVATION = CELLS + SCALARS
    COINS_TO_WIN = COINS // 2 + 1
    LEVEL_SPAWN_1 = 5
    LEVEL_SPAWN_2 = 6

cdef int[ACTIONS] OFFSETS = [0, -WIDTH, WIDTH, -1, 1]


cdef int step_offset(int action) noexcept nogil:
    """Cell offset of a step; 0 for waiting."""
    return OFFSETS[action]


cdef bint blocks_step(uint8_t content) noexcept nogil:
    """Whether a player without strength to push cannot go there."""
    return content == WALL or content == CRATE


cdef bint is_push(const RaceState* state, int player, int action) noexcept nogil:
    """Whether this step pushes a crate that can be pushed."""
    cdef int beside = state.players[player].cell + OFFSETS[action]
    cdef int behind = beside + OFFSETS[action]
    # A crate never stands in the border, so that the cell behind it is on the board.
    return (
        action != WAIT
        and state.cells[beside] == CRATE
        and state.cells[behind] == FLOOR
        and state.players[1 - player].cell != behind
    )


cdef bint is_legal(const RaceState* state, int player, int action) noexcept nogil:
    if action == WAIT:
        return True
    if state.players[player].sliding != WAIT:
        return False
    if is_push(state, player, action):
        return True
    return not blocks_step(state.cells[state.players[player].cell + OFFSETS[action]])


# ---------------------------------------------------------------------------------- one episode

cdef void race_set_up(void* raw, const uint8_t* level) noexcept nogil:
    cdef RaceState* state = <RaceState*>raw
    cdef int cell
    for cell in range(CELLS):
        if level[cell] == LEVEL_SPAWN_1 or level[cell] == LEVEL_SPAWN_2:
            state.players[level[cell] - LEVEL_SPAWN_1].cell = cell
        else:
            state.cells[cell] = level[cell]
            state.coins_left += level[cell] == COIN


cdef void move_players(RaceState* state, const uint8_t* actions) noexcept nogil:
    """Rules 1 to 4."""
    cdef int player, action, other
    cdef int[PLAYERS] direction
    cdef int[PLAYERS] wanted
    cdef int[PLAYERS] crate_to      # where a pushed crate goes, -1 for none
    cdef bint both_stay
    cdef Racer* self
    for player in range(PLAYERS):
        self = &state.players[player]
        action = actions[player]
        if not is_legal(state, player, action):
            state.header.illegal_actions += 1
            action = WAIT
        self.counters[COUNT_WAITS] += action == WAIT and self.sliding == WAIT
        self.counters[COUNT_SLIDES] += self.sliding != WAIT
        direction[player] = action if self.sliding == WAIT else self.sliding
        wanted[player] = self.cell + OFFSETS[direction[player]]
        crate_to[player] = -1
        if state.cells[wanted[player]] == CRATE:
            crate_to[player] = wanted[player] + OFFSETS[direction[player]]
    both_stay = wanted[0] == wanted[1] or (
        wanted[0] == state.players[1].cell and wanted[1] == state.players[0].cell
    )
    for player in range(PLAYERS):
        other = 1 - player
        if crate_to[player] >= 0:
            both_stay |= crate_to[player] == wanted[other] or crate_to[player] == crate_to[other]
    for player in range(PLAYERS):
        self = &state.players[player]
        if both_stay:
            self.sliding = WAIT
            continue
        if crate_to[player] >= 0:
            state.cells[wanted[player]] = FLOOR
            state.cells[crate_to[player]] = CRATE
            self.counters[COUNT_PUSHES] += 1
        self.cell = wanted[player]
        if state.cells[self.cell] == COIN:
            state.cells[self.cell] = FLOOR
            state.coins_left -= 1
            self.coins += 1
            self.counters[COUNT_COINS] += 1
    if both_stay:
        return
    for player in range(PLAYERS):      # when all crates stand where they will stand
        self = &state.players[player]
        self.sliding = WAIT
        if direction[player] != WAIT and state.cells[self.cell] == ICE \
                and not blocks_step(state.cells[self.cell + OFFSETS[direction[player]]]):
            self.sliding = direction[player]


cdef inline int columns_and_rows_apart(int a, int b) noexcept nogil:
    cdef int rows = a // WIDTH - b // WIDTH
    cdef int columns = a % WIDTH - b % WIDTH
    return (rows if rows >= 0 else -rows) + (columns if columns >= 0 else -columns)


cdef int race_step(void* raw, const uint8_t* actions, float* rewards) noexcept nogil:
    cdef RaceState* state = <RaceState*>raw
    cdef int player, apart
    rewards[0] = 0
    rewards[1] = 0
    if state.outcome != RUNNING:
        return state.outcome
    state.tick += 1
    move_players(state, actions)
    apart = columns_and_rows_apart(state.players[0].cell, state.players[1].cell)
    for player in range(PLAYERS):
        state.players[player].counters[COUNT_TICKS] += 1
        state.players[player].counters[COUNT_DISTANCE] += apart
    for player in range(PLAYERS):
        if state.players[player].coins >= COINS_TO_WIN:
            rewards[player] = 1
            rewards[1 - player] = -1
            state.players[player].counters[COUNT_WINS] += 1
            state.players[1 - player].counters[COUNT_LOSSES] += 1
            state.outcome = TERMINATED
    if state.outcome == RUNNING and state.tick >= TICK_LIMIT:
        state.outcome = TRUNCATED
    return state.outcome


# --------------------------------------------------------------------------------- what is seen

cdef void race_observe(const void* raw, uint8_t* observations, uint8_t* legal) noexcept nogil:
    cdef const RaceState* state = <const RaceState*>raw
    cdef const Racer* self
    cdef const Racer* foe
    cdef uint8_t* out
    cdef int player, action
    for player in range(PLAYERS):
        self = &state.players[player]
        foe = &state.players[1 - player]
        memcpy(observations, state.cells, CELLS)
        out = observations + CELLS
        out[0] = self.cell % WIDTH
        out[1] = self.cell // WIDTH
        out[2] = foe.cell % WIDTH
        out[3] = foe.cell // WIDTH
        out[4] = self.coins
        out[5] = foe.coins
        out[6] = state.coins_left
        out[7] = self.sliding != WAIT
        out[8] = foe.sliding != WAIT
        out[9] = TICK_LIMIT - state.tick
        out[10] = player
        observations += OBSERVATION
        for action in range(ACTIONS):
            legal[action] = is_legal(state, player, action)
        legal += ACTIONS


cdef void race_survivable(const void* raw, int caution, uint8_t* masks) noexcept nogil:
    """Nobody dies in a race: every legal action is survived."""
    cdef const RaceState* state = <const RaceState*>raw
    cdef int player, action
    for player in range(PLAYERS):
        for action in range(ACTIONS):
            masks[player * ACTIONS + action] = is_legal(state, player, action)


# ------------------------------------------------------------------------------- the game's table

cdef void race_statistics(const void* raw, int32_t* out) noexcept nogil:
    cdef const RaceState* state = <const RaceState*>raw
    cdef int player
    for player in range(PLAYERS):
        memcpy(out, state.players[player].counters, STATISTICS * sizeof(int32_t))
        out += STATISTICS


cdef inline bint inside(int cell) noexcept nogil:
    return cell > WIDTH and cell < CELLS - WIDTH and 0 < cell % WIDTH < WIDTH - 1


cdef bint race_is_sound(const void* raw) noexcept nogil:
    cdef const RaceState* state = <const RaceState*>raw
    cdef const Racer* self
    cdef int cell, player, coins = 0
    for cell in range(CELLS):
        if state.cells[cell] > COIN or (not inside(cell) and state.cells[cell] != WALL):
            return False
        coins += state.cells[cell] == COIN
    if coins != state.coins_left or not 0 <= state.tick <= TICK_LIMIT:
        return False
    if state.players[0].cell == state.players[1].cell:
        return False
    for player in range(PLAYERS):
        self = &state.players[player]
        coins += self.coins
        if not inside(self.cell) or blocks_step(state.cells[self.cell]):
            return False
        if state.cells[self.cell] == COIN or self.sliding > RIGHT:
            return False
        if self.sliding != WAIT and blocks_step(state.cells[self.cell + OFFSETS[self.sliding]]):
            return False
    if coins != COINS:
        return False
    if state.players[0].coins >= COINS_TO_WIN or state.players[1].coins >= COINS_TO_WIN:
        return state.outcome == TERMINATED
    return state.outcome == (TRUNCATED if state.tick == TICK_LIMIT else RUNNING)


cdef class RaceGame(CompiledGame):
    def __cinit__(self):
        self.spec = SPEC
        self.interface.state_size = sizeof(RaceState)
        self.interface.set_up = race_set_up
        self.interface.step = race_step
        self.interface.observe = race_observe
        self.interface.survivable = race_survivable
        self.interface.statistics = race_statistics
        self.interface.is_sound = race_is_sound

    cdef dict snapshot(self, const void* raw):
        cdef const RaceState* state = <const RaceState*>raw
        cdef int cell, player
        cells = np.array([state.cells[cell] for cell in range(CELLS)], np.uint8)
        return {
            "tiles": cells.reshape(HEIGHT, WIDTH),
            "players": [
                {
                    "row": state.players[player].cell // WIDTH,
                    "column": state.players[player].cell % WIDTH,
                    "alive": True,
                    "coins": state.players[player].coins,
                }
                for player in range(PLAYERS)
            ],
            "tick": state.tick,
            "tick_limit": TICK_LIMIT,
        }


GAME = RaceGame()
