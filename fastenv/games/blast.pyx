"""Blast: a bomb duel for two on 13 × 11 tiles.

The rules
---------
The board is walls, crates and floor inside a border of walls. Player 1 starts on spawn 1, player 2
on spawn 2; each can lay one bomb of range 2. Every tick, in this order:

1.  The flames of the last tick are gone.
2.  Both players act at once. A player waits, steps to one of the four neighbouring cells, or lays a
    bomb where she stands. A step needs a cell without wall, crate or bomb. Laying needs a bomb in
    hand and a cell without one. Any other action is played as waiting and counted. If both would
    then stand on the same cell, or would swap cells, both stay.
3.  A player who stands on an item takes it: range +1 (at most 6) or bombs +1 (at most 4).
4.  Bombs laid in earlier ticks burn one tick shorter. A bomb bursts 8 ticks after it was laid. Its
    flames cover its own cell and up to its range in the four directions; they stop before a wall and
    at the first crate, which burns. A bomb that a flame reaches bursts in the same tick. All bombs
    of a tick see the crates as they stood before it. Flames burn items that lie open and pass
    over bombs. A burnt crate leaves its hidden item, if it had one. A burst bomb goes back into its
    owner's hand.
5.  A player on a burning cell dies.
6.  From tick 200 on the arena closes: every tick the next cell of a spiral from the outside in
    becomes wall; a player on it dies, a bomb on it goes back to its owner. Where the spiral starts
    and which way it turns is drawn anew for each episode.
7.  If a player is dead, the match is over. The one left alive wins (+1, the other -1); if both died
    in the same tick it is a draw (0).

Flames are deadly only in the tick of the burst. Nobody sees what a crate hides.

What a player sees
------------------
Every cell's content and its danger: the number of ticks until it burns or closes as the board
stands now (chains included), 1 meaning "at the end of the next tick", 0 safe for the next eight.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset

from fastenv.games.bitboard cimport (
    Bits, bits_add, bits_and, bits_any, bits_has, bits_neighbours, bits_none, bits_or, bits_without,
)
from fastenv.games.game cimport RUNNING, TERMINATED, CompiledGame, Header
from fastenv.games.rng cimport draw_below

import numpy as np

from fastenv.spec import Field, GameSpec, LevelConstraints, Tile

SPEC = GameSpec(
    name="blast",
    version=1,
    players=PLAYERS,
    actions=("wait", "up", "down", "left", "right", "bomb"),
    tiles=(
        Tile("floor", "."),
        Tile("wall", "#"),
        Tile("crate", "+"),
        Tile("crate_range", "r"),
        Tile("crate_bomb", "b"),
        Tile("spawn_1", "1"),
        Tile("spawn_2", "2"),
    ),
    height=HEIGHT,
    width=WIDTH,
    tick_rate=10,
    observation=(
        Field("cells", (HEIGHT, WIDTH), 0, 255),
        Field("own_column", (1,), 1, WIDTH - 2),
        Field("own_row", (1,), 1, HEIGHT - 2),
        Field("foe_column", (1,), 1, WIDTH - 2),
        Field("foe_row", (1,), 1, HEIGHT - 2),
        Field("own_bombs", (1,), 0, 4),
        Field("own_capacity", (1,), 1, 4),
        Field("own_range", (1,), 2, 6),
        Field("foe_bombs", (1,), 0, 4),
        Field("foe_capacity", (1,), 1, 4),
        Field("foe_range", (1,), 2, 6),
        Field("ticks_to_closing", (1,), 0, CLOSING_TICK),
        Field("ticks_closed", (1,), 0, CLOSING_CELLS),
        Field("seat", (1,), 0, 1),
    ),
    statistics=(
        "ticks", "bombs", "crates", "items", "kills", "waits", "distance",
        "self_kills", "wins", "early_wins", "losses",
    ),
    profile=(
        ("bombs", "bombs", 100),
        ("crates", "crates", 100),
        ("items", "items", 100),
        ("kills", "kills", 100),
        ("wait", "waits", 1),
        ("distance", "distance", 1),
    ),
    level_constraints=LevelConstraints(
        border="wall",
        exactly=(("spawn_1", 1), ("spawn_2", 1)),
        at_most=(("crate_range", 8), ("crate_bomb", 8)),
        connected=("spawn_1", "spawn_2"),
        blocks_paths=("wall",),
        pockets=("spawn_1", "spawn_2"),
        open_tiles=("floor",),
        reachable=("crate_range", "crate_bomb"),
    ),
)

cdef enum:
    START_RANGE = 2
    MOST_RANGE = 6
    MOST_BOMBS = 4
    SCALARS = 13
    OBSERVATION = CELLS + SCALARS
    HORIZON = FUSE + 1      # ticks until a bomb laid now has burst

cdef enum:
    LEVEL_CRATE_RANGE = 3
    LEVEL_CRATE_BOMB = 4
    LEVEL_SPAWN_1 = 5
    LEVEL_SPAWN_2 = 6

# By action; the first five are also the directions in which flames spread.
cdef int[ACTIONS] OFFSETS = [0, -WIDTH, WIDTH, -1, 1, 0]
cdef uint8_t[8][CLOSING_CELLS] CLOSING_PATHS


def _fill_closing_paths():
    """The eight spirals: from each corner, in both directions, over the cells inside the border."""
    for path in range(8):
        left, right, top, bottom = 1, WIDTH - 2, 1, HEIGHT - 2
        cells = []
        while left <= right and top <= bottom:
            ring = [(top, column) for column in range(left, right + 1)]
            ring += [(row, right) for row in range(top + 1, bottom + 1)]
            if bottom > top:
                ring += [(bottom, column) for column in range(right - 1, left - 1, -1)]
            if right > left:
                ring += [(row, left) for row in range(bottom - 1, top, -1)]
            cells += ring
            left, right, top, bottom = left + 1, right - 1, top + 1, bottom - 1
        for step, (row, column) in enumerate(cells):
            if path & 1:
                column = WIDTH - 1 - column
            if path & 2:
                row = HEIGHT - 1 - row
            CLOSING_PATHS[path][step] = row * WIDTH + column
        if path & 4:    # the other way round: each ring starts in the same corner and runs back
            reordered = _turned([CLOSING_PATHS[path][step] for step in range(CLOSING_CELLS)])
            for step, cell in enumerate(reordered):
                CLOSING_PATHS[path][step] = cell


def _turned(cells):
    """The spiral with each ring walked the other way round, from the same corner."""
    turned, left, right, top, bottom = [], 1, WIDTH - 2, 1, HEIGHT - 2
    while left <= right and top <= bottom:
        columns, rows = right - left + 1, bottom - top + 1
        size = columns * rows - max(columns - 2, 0) * max(rows - 2, 0)
        ring = cells[len(turned):len(turned) + size]
        is_line = columns == 1 or rows == 1     # the innermost: it has only one way to be walked
        turned += ring if is_line else ring[:1] + ring[:0:-1]
        left, right, top, bottom = left + 1, right - 1, top + 1, bottom - 1
    return turned


_fill_closing_paths()


cdef int step_offset(int action) noexcept nogil:
    """Cell offset of a step; 0 for actions that stay."""
    return OFFSETS[action]


cdef inline bint blocks_step(uint8_t cell) noexcept nogil:
    return (<uint32_t>(1 << WALL | 1 << CRATE | 1 << BOMB_HERE) >> (cell & CONTENT)) & 1


cdef inline bint has_bomb(uint8_t cell) noexcept nogil:
    return (cell & CONTENT) == BOMB_HERE


cdef bint is_legal(const BlastState* state, int player, int action) noexcept nogil:
    cdef const Player* self = &state.players[player]
    if action == WAIT:
        return True
    if action == BOMB:
        return self.bombs > 0 and not has_bomb(state.cells[self.cell])
    return not blocks_step(state.cells[self.cell + OFFSETS[action]])


cdef inline int bomb_at(const Bomb* bombs, int count, int cell) noexcept nogil:
    cdef int index
    for index in range(count):
        if bombs[index].cell == cell:
            return index
    return -1


# ---------------------------------------------------------------------------------- one episode

cdef void blast_reset(void* raw, const uint8_t* level) noexcept nogil:
    cdef BlastState* state = <BlastState*>raw
    cdef Header header = state.header
    cdef int cell, player
    cdef uint8_t tile
    memset(state, 0, sizeof(BlastState))
    state.header = header
    state.header.illegal_actions = 0
    state.closing_path = draw_below(&state.header.stream, 8)
    for cell in range(CELLS):
        tile = level[cell]
        if tile == LEVEL_CRATE_RANGE or tile == LEVEL_CRATE_BOMB:
            state.cells[cell] = CRATE
            state.hidden[cell] = RANGE_ITEM if tile == LEVEL_CRATE_RANGE else BOMB_ITEM
        elif tile == LEVEL_SPAWN_1 or tile == LEVEL_SPAWN_2:
            state.cells[cell] = FLOOR
            state.players[tile - LEVEL_SPAWN_1].cell = cell
        else:
            state.cells[cell] = tile
    for player in range(PLAYERS):
        state.players[player].alive = 1
        state.players[player].bombs = 1
        state.players[player].capacity = 1
        state.players[player].range = START_RANGE


cdef void move_players(BlastState* state, const uint8_t* actions) noexcept nogil:
    """Rules 2 and 3."""
    cdef int player, action, is_step, lays, legal
    cdef int[PLAYERS] wanted
    cdef int[PLAYERS] laying
    cdef Player* self
    cdef Bomb* bomb
    cdef uint8_t content
    for player in range(PLAYERS):
        # As `is_legal`, without branches: nobody can foresee what players do.
        self = &state.players[player]
        action = actions[player]
        lays = action == BOMB
        is_step = (action != WAIT) & (lays ^ 1)
        legal = (is_step & blocks_step(state.cells[self.cell + OFFSETS[action]])) ^ 1
        legal &= (lays & ((self.bombs == 0) | has_bomb(state.cells[self.cell]))) ^ 1
        action *= legal
        state.header.illegal_actions += legal ^ 1
        wanted[player] = self.cell + OFFSETS[action]
        laying[player] = lays & legal
        self.counters[WAITS] += action == WAIT
    # Bombs are laid after both have chosen: a bomb does not stop a step of the same tick.
    for player in range(PLAYERS):
        self = &state.players[player]
        if laying[player]:
            state.cells[self.cell] = (state.cells[self.cell] & ~CONTENT) | BOMB_HERE
            bomb = &state.bombs[state.bomb_count]
            bomb.cell = self.cell
            bomb.fuse = FUSE + 1        # rule 4 of this same tick takes one off
            bomb.range = self.range
            bomb.owner = player
            state.bomb_count += 1
            self.bombs -= 1
            self.counters[BOMBS] += 1
    if wanted[0] == wanted[1] or (
        wanted[0] == state.players[1].cell and wanted[1] == state.players[0].cell
    ):
        return
    for player in range(PLAYERS):
        self = &state.players[player]
        self.cell = wanted[player]
        content = state.cells[self.cell] & CONTENT
        if content == RANGE_ITEM or content == BOMB_ITEM:
            state.cells[self.cell] &= ~CONTENT
            self.counters[ITEMS] += 1
            if content == RANGE_ITEM and self.range < MOST_RANGE:
                self.range += 1
            elif content == BOMB_ITEM and self.capacity < MOST_BOMBS:
                self.capacity += 1
                self.bombs += 1


cdef void take_bomb_off(BlastState* state, int index) noexcept nogil:
    """Remove a bomb, keep the order of the others, give it back to its owner."""
    cdef Bomb bomb = state.bombs[index]
    cdef int other
    if (state.cells[bomb.cell] & CONTENT) == BOMB_HERE:
        state.cells[bomb.cell] &= ~CONTENT
    state.players[bomb.owner].bombs += 1
    state.bomb_count -= 1
    for other in range(index, state.bomb_count):
        state.bombs[other] = state.bombs[other + 1]
    memset(&state.bombs[state.bomb_count], 0, sizeof(Bomb))


cdef void burst_bombs(BlastState* state) noexcept nogil:
    """Rules 4 (bursts) and 5: all bombs whose fuse has run out, and those that they set off."""
    cdef uint32_t bursting = 0, cast = 0
    cdef uint32_t[PLAYERS] burned_by
    cdef uint8_t[MAX_BOMBS * 4] burnt_crates
    cdef int burnt_count = 0
    cdef int index, direction, distance, cell, player, other
    cdef uint8_t content
    cdef Bomb bomb
    burned_by[0] = 0
    burned_by[1] = 0
    for index in range(state.bomb_count):
        if state.bombs[index].fuse == 0:
            bursting |= 1u << index
    while bursting != cast:
        for index in range(state.bomb_count):
            if not (bursting >> index) & 1 or (cast >> index) & 1:
                continue
            cast |= 1u << index
            bomb = state.bombs[index]
            for direction in range(5):      # 0 is the bomb's own cell
                for distance in range(1, 2 if direction == 0 else bomb.range + 1):
                    cell = bomb.cell + OFFSETS[direction] * distance
                    content = state.cells[cell] & CONTENT
                    if content == WALL:
                        break
                    bits_add(&state.flames, cell)
                    for player in range(PLAYERS):
                        if state.players[player].cell == cell:
                            burned_by[player] |= 1u << bomb.owner
                    if content == CRATE:
                        for other in range(burnt_count):
                            if burnt_crates[other] == cell:
                                break
                        else:
                            burnt_crates[burnt_count] = cell
                            burnt_count += 1
                            state.players[bomb.owner].counters[CRATES] += 1
                        break
                    if content == BOMB_HERE:
                        bursting |= 1u << bomb_at(state.bombs, state.bomb_count, cell)
                    elif content != FLOOR:      # an open item burns
                        state.cells[cell] &= ~CONTENT
    for index in range(burnt_count):
        cell = burnt_crates[index]
        state.cells[cell] = (state.cells[cell] & ~CONTENT) | state.hidden[cell]
        state.hidden[cell] = FLOOR
    for index in range(state.bomb_count - 1, -1, -1):
        if (bursting >> index) & 1:
            take_bomb_off(state, index)
    for player in range(PLAYERS):
        if burned_by[player]:
            state.players[player].alive = 0
            if burned_by[player] == 1u << player:
                state.players[player].counters[SELF_KILLS] += 1
            elif state.tick < CLOSING_TICK:
                state.players[1 - player].counters[KILLS] += 1


cdef void close_arena(BlastState* state) noexcept nogil:
    """Rule 6."""
    cdef int step = state.tick - CLOSING_TICK
    cdef int cell, index, player
    if step >= CLOSING_CELLS:
        return
    cell = CLOSING_PATHS[state.closing_path][step]
    index = bomb_at(state.bombs, state.bomb_count, cell)
    if index >= 0:
        take_bomb_off(state, index)
    state.cells[cell] = WALL
    state.hidden[cell] = FLOOR
    for player in range(PLAYERS):
        if state.players[player].cell == cell:
            state.players[player].alive = 0


cdef inline void mark(uint8_t* cell, int danger) noexcept nogil:
    """Lower the cell's danger to `danger` ticks, if it is not nearer already."""
    cdef int now = cell[0] >> DANGER_SHIFT
    if now == 0 or now > danger:
        cell[0] = (cell[0] & CONTENT) | (danger << DANGER_SHIFT)


cdef void refresh_danger(BlastState* state) noexcept nogil:
    """Write every cell's danger anew: bombs in the order of their bursts, then the closing."""
    cdef int cell, index, earliest, direction, distance, other, tick
    cdef uint8_t content
    cdef uint32_t seen = 0
    cdef uint8_t[MAX_BOMBS] due
    for cell in range(CELLS_PADDED):
        state.cells[cell] &= CONTENT
    for index in range(state.bomb_count):
        due[index] = state.bombs[index].fuse
    for _ in range(state.bomb_count):
        earliest = -1
        for index in range(state.bomb_count):
            if not (seen >> index) & 1 and (earliest < 0 or due[index] < due[earliest]):
                earliest = index
        seen |= 1u << earliest
        for direction in range(5):
            for distance in range(1, 2 if direction == 0 else state.bombs[earliest].range + 1):
                cell = state.bombs[earliest].cell + OFFSETS[direction] * distance
                content = state.cells[cell] & CONTENT
                if content == WALL:
                    break
                mark(&state.cells[cell], due[earliest])
                if content == CRATE:
                    break
                if content == BOMB_HERE:
                    other = bomb_at(state.bombs, state.bomb_count, cell)
                    if due[other] > due[earliest]:
                        due[other] = due[earliest]
    for tick in range(max(state.tick + 1, CLOSING_TICK), state.tick + FUSE + 1):
        if tick - CLOSING_TICK < CLOSING_CELLS:
            cell = CLOSING_PATHS[state.closing_path][tick - CLOSING_TICK]
            if (state.cells[cell] & CONTENT) != WALL:
                mark(&state.cells[cell], tick - state.tick)


cdef void pass_danger(BlastState* state) noexcept nogil:
    """Every danger comes one tick nearer."""
    cdef int cell
    cdef uint8_t value
    for cell in range(CELLS_PADDED):
        value = state.cells[cell]
        state.cells[cell] = value - (1 << DANGER_SHIFT) if value > CONTENT else value


cdef bint add_danger(BlastState* state, int first) noexcept nogil:
    """Mark what the bombs from index `first` on, laid in this tick, will burn; False, and nothing
    sound is left, if one of them will be set off early, as it may then set off others."""
    cdef int index, direction, distance, cell, danger
    cdef uint8_t content
    for index in range(first, state.bomb_count):
        danger = state.cells[state.bombs[index].cell] >> DANGER_SHIFT
        if danger != 0 and danger != FUSE:
            return False
        for direction in range(5):
            for distance in range(1, 2 if direction == 0 else state.bombs[index].range + 1):
                cell = state.bombs[index].cell + OFFSETS[direction] * distance
                content = state.cells[cell] & CONTENT
                if content == WALL:
                    break
                mark(&state.cells[cell], FUSE)
                if content == CRATE:
                    break
    return True


cdef inline int columns_and_rows_apart(int a, int b) noexcept nogil:
    cdef int rows = a // WIDTH - b // WIDTH
    cdef int columns = a % WIDTH - b % WIDTH
    return (rows if rows >= 0 else -rows) + (columns if columns >= 0 else -columns)


cdef int blast_step(void* raw, const uint8_t* actions, float* rewards) noexcept nogil:
    cdef BlastState* state = <BlastState*>raw
    cdef int index, player, apart
    cdef int bombs_before = state.bomb_count
    cdef bint bursts = False
    rewards[0] = 0
    rewards[1] = 0
    if state.ended:
        return TERMINATED
    state.tick += 1
    state.flames = bits_none()
    move_players(state, actions)
    for index in range(state.bomb_count):
        state.bombs[index].fuse -= 1
        bursts |= state.bombs[index].fuse == 0
    if bursts:
        burst_bombs(state)
    if state.tick >= CLOSING_TICK:
        close_arena(state)
    if bursts or state.tick >= CLOSING_TICK - FUSE:
        refresh_danger(state)
    elif state.bomb_count:
        # Where no bomb burst, those laid in this tick stand behind the others.
        pass_danger(state)
        if not add_danger(state, bombs_before):
            refresh_danger(state)
    apart = columns_and_rows_apart(state.players[0].cell, state.players[1].cell)
    for player in range(PLAYERS):
        state.players[player].counters[TICKS] += 1
        state.players[player].counters[DISTANCE] += apart
    if state.players[0].alive and state.players[1].alive:
        return RUNNING
    state.ended = 1
    for player in range(PLAYERS):
        if state.players[player].alive:
            rewards[player] = 1
            rewards[1 - player] = -1
            state.players[player].counters[WINS] += 1
            state.players[1 - player].counters[LOSSES] += 1
            state.players[player].counters[EARLY_WINS] += state.tick < CLOSING_TICK
    return TERMINATED


# --------------------------------------------------------------------------------- what is seen

cdef void blast_observe(const void* raw, uint8_t* observations, uint8_t* legal) noexcept nogil:
    cdef const BlastState* state = <const BlastState*>raw
    cdef const Player* self
    cdef const Player* foe
    cdef uint8_t* out
    cdef int player, action
    cdef const uint8_t* here
    for player in range(PLAYERS):
        self = &state.players[player]
        foe = &state.players[1 - player]
        memcpy(observations, state.cells, CELLS)
        out = observations + CELLS
        out[0] = self.cell % WIDTH
        out[1] = self.cell // WIDTH
        out[2] = foe.cell % WIDTH
        out[3] = foe.cell // WIDTH
        out[4] = self.bombs
        out[5] = self.capacity
        out[6] = self.range
        out[7] = foe.bombs
        out[8] = foe.capacity
        out[9] = foe.range
        out[10] = CLOSING_TICK - state.tick if state.tick < CLOSING_TICK else 0
        out[11] = min(state.tick - CLOSING_TICK, CLOSING_CELLS) if state.tick > CLOSING_TICK else 0
        out[12] = player
        observations += OBSERVATION
        here = &state.cells[self.cell]
        legal[WAIT] = 1
        for action in range(UP, RIGHT + 1):
            legal[action] = not blocks_step(here[OFFSETS[action]])
        legal[BOMB] = (self.bombs > 0) & (not has_bomb(here[0]))
        legal += ACTIONS


# --------------------------------------------------------------------------- what can be survived

ctypedef struct Forecast:
    Bits[HORIZON + 1] passable      # cells that can be entered in tick t
    Bits[HORIZON + 1] deadly        # cells that burn or close at the end of tick t
    int ticks                       # after this many ticks nothing more is due


cdef void make_forecast(
    const BlastState* state, int player, bint lay_bomb, Forecast* out
) noexcept nogil:
    """The next ticks if `player` lays a bomb now (or not) and nobody lays another."""
    cdef uint8_t[CELLS_PADDED] content
    cdef Bomb[MAX_BOMBS] bombs
    cdef uint8_t[MAX_BOMBS * 4] burnt_crates
    cdef int count = state.bomb_count, burnt_count, last = 0
    cdef int cell, index, tick, direction, distance, closing
    cdef uint32_t bursting, cast, gone = 0
    cdef int other_cell = state.players[1 - player].cell
    cdef Bits passable = bits_none()
    cdef Bits deadly
    for cell in range(CELLS_PADDED):
        content[cell] = state.cells[cell] & CONTENT
    memcpy(bombs, state.bombs, count * sizeof(Bomb))
    if lay_bomb:
        bombs[count].cell = state.players[player].cell
        bombs[count].fuse = FUSE + 1
        bombs[count].range = state.players[player].range
        bombs[count].owner = player
        content[bombs[count].cell] = BOMB_HERE
        count += 1
    for index in range(count):
        last = max(last, bombs[index].fuse)
    if state.tick + FUSE >= CLOSING_TICK:
        last = max(last, FUSE)
    out.ticks = last
    for cell in range(WIDTH, CELLS - WIDTH):
        if not blocks_step(content[cell]) and cell != other_cell:
            bits_add(&passable, cell)
    for tick in range(1, last + 1):
        out.passable[tick] = passable
        deadly = bits_none()
        bursting = 0
        for index in range(count):
            if bombs[index].fuse == tick:
                bursting |= 1u << index
        bursting &= ~gone
        cast = 0
        burnt_count = 0
        while bursting != cast:
            for index in range(count):
                if not (bursting >> index) & 1 or (cast >> index) & 1:
                    continue
                cast |= 1u << index
                for direction in range(5):
                    for distance in range(1, 2 if direction == 0 else bombs[index].range + 1):
                        cell = bombs[index].cell + OFFSETS[direction] * distance
                        if content[cell] == WALL:
                            break
                        bits_add(&deadly, cell)
                        if content[cell] == CRATE:
                            burnt_crates[burnt_count] = cell
                            burnt_count += 1
                            break
                        if content[cell] == BOMB_HERE:
                            bursting |= 1u << bomb_at(bombs, count, cell)
        for index in range(burnt_count):
            content[burnt_crates[index]] = FLOOR
            bits_add(&passable, burnt_crates[index])
        for index in range(count):
            if (bursting >> index) & 1:
                content[bombs[index].cell] = FLOOR
                if bombs[index].cell != other_cell:
                    bits_add(&passable, bombs[index].cell)
                bombs[index].cell = 0
        gone |= bursting
        closing = state.tick + tick - CLOSING_TICK
        if closing >= 0 and closing < CLOSING_CELLS:
            cell = CLOSING_PATHS[state.closing_path][closing]
            index = bomb_at(bombs, count, cell)
            if index >= 0:
                gone |= 1u << index
                bombs[index].cell = 0
            if content[cell] != WALL:
                content[cell] = WALL
                bits_add(&deadly, cell)
                cell_off(&passable, cell)
        out.deadly[tick] = deadly


cdef inline void cell_off(Bits* bits, int cell) noexcept nogil:
    cdef Bits one = bits_none()
    bits_add(&one, cell)
    bits[0] = bits_without(bits[0], one)


cdef bint outlives(const Forecast* forecast, int first_cell) noexcept nogil:
    """Whether some way of moving and waiting from `first_cell` (after tick 1) outlives it all.

    That the other player may burn on the way, and so end the match, is not counted on.
    """
    cdef Bits alive = bits_none()
    cdef int tick
    bits_add(&alive, first_cell)
    for tick in range(1, forecast.ticks + 1):
        if tick > 1:
            alive = bits_or(alive, bits_and(bits_neighbours(alive), forecast.passable[tick]))
        alive = bits_without(alive, forecast.deadly[tick])
        if not bits_any(alive):
            return False
    return True


cdef void survivable_actions(const BlastState* state, int player, uint8_t* mask) noexcept nogil:
    """uint8 [actions]: 1 where the action is legal and, if this player then only moves and waits and
    the other stands still, some way outlives every bomb on the board, its own, and the cells that
    close until the last of these has burst, or in the next eight ticks.
    """
    cdef Forecast forecast
    cdef int action, cell, other_cell = state.players[1 - player].cell
    cdef bint calm = state.bomb_count == 0 and state.tick + FUSE < CLOSING_TICK
    if not calm:
        make_forecast(state, player, False, &forecast)
    for action in range(BOMB):
        mask[action] = is_legal(state, player, action)
        if mask[action] and not calm:
            cell = state.players[player].cell + OFFSETS[action]
            if cell == other_cell:
                cell = state.players[player].cell
            mask[action] = outlives(&forecast, cell)
    mask[BOMB] = is_legal(state, player, BOMB)
    if mask[BOMB]:
        make_forecast(state, player, True, &forecast)
        mask[BOMB] = outlives(&forecast, state.players[player].cell)


cdef void blast_survivable(const void* raw, uint8_t* masks) noexcept nogil:
    cdef const BlastState* state = <const BlastState*>raw
    survivable_actions(state, 0, masks)
    survivable_actions(state, 1, masks + ACTIONS)


# ------------------------------------------------------------------------------- the game's table

cdef void blast_statistics(const void* raw, int32_t* out) noexcept nogil:
    cdef const BlastState* state = <const BlastState*>raw
    cdef int player
    for player in range(PLAYERS):
        memcpy(out, state.players[player].counters, STATISTICS * sizeof(int32_t))
        out += STATISTICS


cdef inline bint inside(int cell) noexcept nogil:
    return cell > WIDTH and cell < CELLS - WIDTH and 0 < cell % WIDTH < WIDTH - 1


cdef bint blast_is_sound(const void* raw) noexcept nogil:
    cdef const BlastState* state = <const BlastState*>raw
    cdef int cell, index, player
    cdef int[PLAYERS] laid
    cdef const Player* self
    if not (0 <= state.bomb_count <= MAX_BOMBS and 0 <= state.tick <= CLOSING_TICK + CLOSING_CELLS):
        return False
    if not (0 <= state.closing_path < 8 and 0 <= state.ended <= 1):
        return False
    for cell in range(CELLS):
        if (state.cells[cell] & CONTENT) > BOMB_HERE or state.hidden[cell] > BOMB_ITEM:
            return False
        if state.hidden[cell] == WALL or state.hidden[cell] == CRATE:
            return False
        if not inside(cell) and (state.cells[cell] & CONTENT) != WALL:
            return False
        if (state.cells[cell] & CONTENT) == BOMB_HERE \
                and bomb_at(state.bombs, state.bomb_count, cell) < 0:
            return False
    if state.players[0].cell == state.players[1].cell:
        return False
    laid[0] = 0
    laid[1] = 0
    for index in range(state.bomb_count):
        if not inside(state.bombs[index].cell) or state.bombs[index].owner >= PLAYERS:
            return False
        if (state.cells[state.bombs[index].cell] & CONTENT) != BOMB_HERE:
            return False
        if bomb_at(state.bombs, state.bomb_count, state.bombs[index].cell) != index:
            return False
        if not (1 <= state.bombs[index].fuse <= FUSE):
            return False
        if not (START_RANGE <= state.bombs[index].range <= MOST_RANGE):
            return False
        laid[state.bombs[index].owner] += 1
    for player in range(PLAYERS):
        self = &state.players[player]
        if not inside(self.cell) or self.alive > 1:
            return False
        if not (START_RANGE <= self.range <= MOST_RANGE and 1 <= self.capacity <= MOST_BOMBS):
            return False
        if self.bombs + laid[player] != self.capacity:
            return False
    return True


cdef class BlastGame(CompiledGame):
    def __cinit__(self):
        self.spec = SPEC
        self.interface.state_size = sizeof(BlastState)
        self.interface.reset = blast_reset
        self.interface.step = blast_step
        self.interface.observe = blast_observe
        self.interface.survivable = blast_survivable
        self.interface.statistics = blast_statistics
        self.interface.is_sound = blast_is_sound

    cdef dict snapshot(self, const void* raw):
        cdef const BlastState* state = <const BlastState*>raw
        cdef int cell, player, index
        cells = np.array([state.cells[cell] for cell in range(CELLS)], np.uint8)
        cells = cells.reshape(HEIGHT, WIDTH)
        flames = np.zeros((HEIGHT, WIDTH), bool)
        for cell in range(WIDTH, CELLS - WIDTH):
            flames[cell // WIDTH, cell % WIDTH] = bits_has(state.flames, cell)
        return {
            "tiles": cells & CONTENT,
            "danger": cells >> DANGER_SHIFT,
            "flames": flames,
            "players": [
                {
                    "row": state.players[player].cell // WIDTH,
                    "column": state.players[player].cell % WIDTH,
                    "alive": bool(state.players[player].alive),
                    "bombs": state.players[player].bombs,
                    "capacity": state.players[player].capacity,
                    "range": state.players[player].range,
                }
                for player in range(PLAYERS)
            ],
            "bombs": [
                {
                    "row": state.bombs[index].cell // WIDTH,
                    "column": state.bombs[index].cell % WIDTH,
                    "fuse": state.bombs[index].fuse,
                    "range": state.bombs[index].range,
                    "owner": state.bombs[index].owner,
                }
                for index in range(state.bomb_count)
            ],
            "tick": state.tick,
            "closing_tick": CLOSING_TICK,
        }


GAME = BlastGame()
