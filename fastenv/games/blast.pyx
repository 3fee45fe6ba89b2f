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

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from fastenv.games.bitboard cimport (
    Bits, bits_add, bits_all, bits_and, bits_any, bits_down, bits_has, bits_is, bits_left, bits_neighbours,
    bits_none, bits_of, bits_or, bits_pop, bits_remove, bits_right, bits_up, bits_without,
)
from fastenv.games.game cimport RUNNING, TERMINATED, CompiledGame
from fastenv.games.rng cimport draw_below

import numpy as np

from fastenv.spec import Content, Field, GameSpec, LevelConstraints, Tile

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
    contents=(
        Content("floor", ".", (58, 94, 60)),
        Content("wall", "#", (44, 44, 52), solid=True, opaque=True),
        Content("crate", "+", (150, 106, 62), solid=True, opaque=True),
        Content("range_item", "r", (226, 124, 44), small=True),
        Content("bomb_item", "b", (92, 140, 226), small=True),
        Content("bomb", "o", (16, 16, 20), small=True, solid=True),
    ),
)

cdef enum:
    START_RANGE = 2
    MOST_RANGE = 6
    MOST_BOMBS = 4
    SCALARS = 13
    OBSERVATION = CELLS + SCALARS
    HORIZON = FUSE + 1      # ticks until a bomb laid now has burst

# Level tiles: floor, wall and crate as in `Content`; a crate that hides an item has the item's number.
cdef enum:
    LEVEL_SPAWN_1 = 5
    LEVEL_SPAWN_2 = 6

# By action; the first five are also the directions in which flames spread.
cdef int[ACTIONS] OFFSETS = [0, -WIDTH, WIDTH, -1, 1, 0]
cdef uint8_t[8][CLOSING_CELLS] CLOSING_PATHS
cdef uint8_t[CELLS_PADDED][2] PLACES       # column and row of each cell
cdef uint8_t[256] CAN_ENTER                # whether a cell with these bits can be stepped on


def _fill_tables():
    for cell in range(CELLS_PADDED):
        PLACES[cell] = [cell % WIDTH, cell // WIDTH]
    for value in range(256):
        CAN_ENTER[value] = value & CONTENT in (FLOOR, RANGE_ITEM, BOMB_ITEM)


_fill_tables()


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


cdef inline bint has_item(uint8_t cell) noexcept nogil:
    return <uint8_t>((cell & CONTENT) - RANGE_ITEM) <= BOMB_ITEM - RANGE_ITEM


cdef inline bint has_bomb(uint8_t cell) noexcept nogil:
    return (cell & CONTENT) == BOMB_HERE


cdef inline int bomb_at(const Bomb* bombs, int count, int cell) noexcept nogil:
    cdef int index
    for index in range(count):
        if bombs[index].cell == cell:
            return index
    return -1


# ----------------------------------------------------------------------------------- sets of cells

cdef void derive_boards(void* raw) noexcept nogil:
    """The sets, from the cells and the bombs."""
    cdef BlastState* state = <BlastState*>raw
    cdef Boards* boards = &state.boards
    cdef int index
    boards.open = bits_without(bits_all(), bits_is(state.cells, 0, WALL))
    boards.crates = bits_is(state.cells, 0, CRATE)
    boards.bombs = bits_is(state.cells, 0, BOMB_HERE)
    boards.items = bits_or(
        bits_is(state.cells, 0, RANGE_ITEM), bits_is(state.cells, 0, BOMB_ITEM)
    )
    for index in range(state.bomb_count):
        boards.reach[index] = flames_of(&state.bombs[index], boards)


cdef Bits free_cells(const Boards* boards) noexcept nogil:
    """Cells that can be stepped on, as far as the board is concerned."""
    return bits_without(boards.open, bits_or(boards.crates, boards.bombs))


cdef Bits spread(Bits origins, int range_, Bits open_cells, Bits stops) noexcept nogil:
    """The origins and all cells up to `range_` steps from one in a straight line of open cells; a
    line ends after a cell of `stops`. One step of all lines in four directions at a time."""
    cdef Bits up = origins, down = origins, left = origins, right = origins, result = origins
    for _ in range(range_):
        up = bits_and(bits_up(up), open_cells)
        down = bits_and(bits_down(down), open_cells)
        left = bits_and(bits_left(left), open_cells)
        right = bits_and(bits_right(right), open_cells)
        result = bits_or(result, bits_or(bits_or(up, down), bits_or(left, right)))
        up = bits_without(up, stops)
        down = bits_without(down, stops)
        left = bits_without(left, stops)
        right = bits_without(right, stops)
    return result


cdef inline Bits flames_of(const Bomb* bomb, const Boards* boards) noexcept nogil:
    """The cells that this bomb's flames cover as the board stands now (rule 4)."""
    return spread(bits_of(bomb.cell), bomb.range, boards.open, boards.crates)


# The bombs that burst in one tick, in the order in which flames set them off.
ctypedef struct Chain:
    uint32_t bombs              # the same as bits
    int length
    uint8_t[MAX_BOMBS] order    # index of each bomb
    Bits flames                 # of all of them


cdef void set_off(
    const Bomb* bombs, int count, const Bits* reach, uint32_t waiting, uint32_t due, Chain* chain
) noexcept nogil:
    """Burst the bombs `due` and those of the `waiting` ones that their flames reach."""
    cdef int index, other
    cdef uint32_t cast = 0
    chain.length = 0
    chain.bombs = due
    chain.flames = bits_none()
    while chain.bombs != cast:
        for index in range(count):
            if not ((chain.bombs & ~cast) >> index) & 1:
                continue
            cast |= 1u << index
            for other in range(count):
                if bits_has(reach[index], bombs[other].cell):
                    chain.bombs |= (1u << other) & waiting
            chain.flames = bits_or(chain.flames, reach[index])
            chain.order[chain.length] = index
            chain.length += 1


# ---------------------------------------------------------------------------------- one episode

cdef void blast_set_up(void* raw, const uint8_t* level) noexcept nogil:
    cdef BlastState* state = <BlastState*>raw
    cdef int cell, player
    cdef uint8_t tile
    cdef Bits spawn
    for cell in range(CELLS):
        tile = level[cell]
        state.cells[cell] = tile if tile <= CRATE else CRATE if tile < LEVEL_SPAWN_1 else FLOOR
    state.hidden_ranges = bits_is(level, 0, RANGE_ITEM)
    state.hidden_bombs = bits_is(level, 0, BOMB_ITEM)
    for player in range(PLAYERS):
        spawn = bits_is(level, 0, LEVEL_SPAWN_1 + player)
        state.players[player].cell = bits_pop(&spawn)
        state.players[player].alive = 1
        state.players[player].bombs = 1
        state.players[player].capacity = 1
        state.players[player].range = START_RANGE
    derive_boards(state)


cdef void blast_vary(void* raw) noexcept nogil:
    cdef BlastState* state = <BlastState*>raw
    state.closing_path = draw_below(&state.header.stream, 8)


cdef void move_players(BlastState* state, const uint8_t* actions) noexcept nogil:
    """Rules 2 and 3."""
    cdef int player, action, target, illegal
    cdef int[PLAYERS] wanted
    cdef int[PLAYERS] laying
    cdef Player* self
    for player in range(PLAYERS):
        # As the legal mask, without branches: nobody can foresee what players do. Laying is a step
        # to where she stands: a bomb that is there forbids both.
        self = &state.players[player]
        action = actions[player]
        target = self.cell + OFFSETS[action]
        illegal = (action != WAIT) & (CAN_ENTER[state.cells[target]] ^ 1)
        illegal |= (action == BOMB) & (self.bombs == 0)
        wanted[player] = self.cell if illegal else target
        laying[player] = (action == BOMB) & ~illegal
        self.counters[WAITS] += (action == WAIT) | illegal
        state.header.illegal_actions += illegal
    # Bombs are laid after both have chosen: a bomb does not stop a step of the same tick.
    for player in range(PLAYERS):
        if laying[player]:
            lay_bomb(state, player)
    if wanted[0] == wanted[1] or (
        wanted[0] == state.players[1].cell and wanted[1] == state.players[0].cell
    ):
        return
    for player in range(PLAYERS):
        state.players[player].cell = wanted[player]
        if has_item(state.cells[wanted[player]]):
            take_item(state, player)


cdef void lay_bomb(BlastState* state, int player) noexcept nogil:
    cdef Player* self = &state.players[player]
    cdef Bomb* bomb = &state.bombs[state.bomb_count]
    bomb.cell = self.cell
    bomb.fuse = FUSE + 1        # rule 4 of this same tick takes one off
    bomb.range = self.range
    bomb.owner = player
    state.boards.reach[state.bomb_count] = flames_of(bomb, &state.boards)
    state.bomb_count += 1
    state.cells[self.cell] = (state.cells[self.cell] & ~CONTENT) | BOMB_HERE
    bits_add(&state.boards.bombs, self.cell)
    self.bombs -= 1
    self.counters[BOMBS] += 1


cdef void take_item(BlastState* state, int player) noexcept nogil:
    """Rule 3."""
    cdef Player* self = &state.players[player]
    cdef uint8_t item = state.cells[self.cell] & CONTENT
    state.cells[self.cell] &= ~CONTENT
    bits_remove(&state.boards.items, self.cell)
    self.counters[ITEMS] += 1
    if item == RANGE_ITEM and self.range < MOST_RANGE:
        self.range += 1
    elif item == BOMB_ITEM and self.capacity < MOST_BOMBS:
        self.capacity += 1
        self.bombs += 1


cdef void take_bombs_off(BlastState* state, uint32_t which) noexcept nogil:
    """Remove bombs, given as bits, keep the order of the others, give them back to their owners."""
    cdef int index, kept = 0
    cdef Bomb bomb
    for index in range(state.bomb_count):
        bomb = state.bombs[index]
        if (which >> index) & 1:
            if has_bomb(state.cells[bomb.cell]):
                state.cells[bomb.cell] &= ~CONTENT
            bits_remove(&state.boards.bombs, bomb.cell)
            state.players[bomb.owner].bombs += 1
        else:
            state.bombs[kept] = bomb
            state.boards.reach[kept] = state.boards.reach[index]
            kept += 1
    memset(&state.bombs[kept], 0, (state.bomb_count - kept) * sizeof(Bomb))
    state.bomb_count = kept


cdef bint burst_bombs(BlastState* state, uint32_t due) noexcept nogil:
    """Rules 4 (bursts) and 5: the bombs `due`, and those that they set off. Whether the dangers that
    are left must be found anew: a bomb laid in this tick burst, and may have set off others before
    their time; or flames were where a bomb that is left will burn."""
    cdef Chain chain
    cdef bint is_stale = False
    cdef const Bomb* bomb
    cdef uint32_t waiting = (1u << state.bomb_count) - 1
    cdef uint32_t[PLAYERS] burned_by
    cdef Bits reach, crates, burnt_crates = bits_none()
    cdef int step, player, index
    burned_by[0] = 0
    burned_by[1] = 0
    set_off(state.bombs, state.bomb_count, state.boards.reach, waiting, due, &chain)
    state.flames = chain.flames
    burn_items(state)
    for step in range(chain.length):
        bomb = &state.bombs[chain.order[step]]
        reach = state.boards.reach[chain.order[step]]
        is_stale |= bomb.fuse == FUSE
        for player in range(PLAYERS):
            burned_by[player] |= \
                <uint32_t>bits_has(reach, state.players[player].cell) << bomb.owner
        # A crate counts for the bomb that reaches it first.
        crates = bits_without(bits_and(reach, state.boards.crates), burnt_crates)
        burnt_crates = bits_or(burnt_crates, crates)
        state.players[bomb.owner].counters[CRATES] += burn_crates(state, crates)
    state.boards.crates = bits_without(state.boards.crates, burnt_crates)
    take_bombs_off(state, chain.bombs)
    for player in range(PLAYERS):
        if burned_by[player]:
            state.players[player].alive = 0
            if burned_by[player] == 1u << player:
                state.players[player].counters[SELF_KILLS] += 1
            elif state.tick < CLOSING_TICK:
                state.players[1 - player].counters[KILLS] += 1
    for index in range(state.bomb_count):
        reach = state.boards.reach[index]
        if bits_any(bits_and(reach, chain.flames)):
            is_stale = True
            state.boards.reach[index] = flames_of(&state.bombs[index], &state.boards)
    return is_stale


cdef void burn_items(BlastState* state) noexcept nogil:
    cdef Bits burnt = bits_and(state.boards.items, state.flames)
    state.boards.items = bits_without(state.boards.items, burnt)
    while bits_any(burnt):
        state.cells[bits_pop(&burnt)] &= ~CONTENT


cdef int burn_crates(BlastState* state, Bits crates) noexcept nogil:
    """Show what these crates hide; how many they are."""
    cdef int cell, item, count = 0
    cdef Bits hidden = bits_or(state.hidden_ranges, state.hidden_bombs)
    state.boards.items = bits_or(state.boards.items, bits_and(crates, hidden))
    while bits_any(crates):
        cell = bits_pop(&crates)
        item = RANGE_ITEM * bits_has(state.hidden_ranges, cell)
        item += BOMB_ITEM * bits_has(state.hidden_bombs, cell)
        state.cells[cell] = (state.cells[cell] & ~CONTENT) | item
        count += 1
    return count


cdef int closing_cell(const BlastState* state, int tick) noexcept nogil:
    """The cell that closes in this tick; 0, which is in the border, if there is none."""
    cdef int step = tick - CLOSING_TICK
    return CLOSING_PATHS[state.closing_path][step] if 0 <= step < CLOSING_CELLS else 0


cdef bint close_arena(BlastState* state) noexcept nogil:
    """Rule 6. Whether the dangers must be found anew: a bomb stood there or its flames reach there."""
    cdef int cell = closing_cell(state, state.tick)
    cdef int index, player
    cdef bint is_stale = False
    if cell == 0:
        return False
    if has_bomb(state.cells[cell]):
        take_bombs_off(state, 1u << bomb_at(state.bombs, state.bomb_count, cell))
        is_stale = True
    state.cells[cell] = WALL
    bits_remove(&state.hidden_ranges, cell)
    bits_remove(&state.hidden_bombs, cell)
    bits_remove(&state.boards.open, cell)
    bits_remove(&state.boards.crates, cell)
    bits_remove(&state.boards.items, cell)
    for index in range(state.bomb_count):
        if bits_has(state.boards.reach[index], cell):
            state.boards.reach[index] = flames_of(&state.bombs[index], &state.boards)
            is_stale = True
    for player in range(PLAYERS):
        if state.players[player].cell == cell:
            state.players[player].alive = 0
    return is_stale


# ------------------------------------------------------------------------------------- the danger

cdef inline uint8_t lesser(uint8_t a, uint8_t b) noexcept nogil:
    return a if a < b else b


cdef void pass_danger(BlastState* state) noexcept nogil:
    """Every danger comes one tick nearer."""
    cdef int cell
    cdef uint8_t value, nearer
    for cell in range(CELLS_PADDED):
        value = state.cells[cell]
        nearer = value - (1 << DANGER_SHIFT)    # wraps round, to a high value, where there is none
        state.cells[cell] = lesser(nearer, value)


cdef inline void mark(BlastState* state, Bits cells, int danger) noexcept nogil:
    """Set the danger of those of the cells that have none."""
    cdef uint8_t* cell
    while bits_any(cells):
        cell = &state.cells[bits_pop(&cells)]
        cell[0] |= (danger << DANGER_SHIFT) * (cell[0] <= CONTENT)


cdef void mark_closing(BlastState* state, int first) noexcept nogil:
    """Mark the cells that close in `first` to FUSE ticks, where no flames come before."""
    cdef int cell, danger, now
    for danger in range(first, FUSE + 1):
        cell = closing_cell(state, state.tick + danger)
        now = state.cells[cell] >> DANGER_SHIFT
        if (state.cells[cell] & CONTENT) != WALL and (now == 0 or now > danger):
            state.cells[cell] = (state.cells[cell] & CONTENT) | (danger << DANGER_SHIFT)


cdef void refresh_danger(BlastState* state) noexcept nogil:
    """Write every cell's danger anew: bombs in the order of their bursts, then the closing."""
    cdef int cell, index, earliest, other
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
        mark(state, state.boards.reach[earliest], due[earliest])
        for other in range(state.bomb_count):
            if due[other] > due[earliest] \
                    and bits_has(state.boards.reach[earliest], state.bombs[other].cell):
                due[other] = due[earliest]
    mark_closing(state, 1)


cdef bint mark_new_bombs(BlastState* state) noexcept nogil:
    """Mark what the bombs laid in this tick will burn; False, and nothing sound is left, if one of
    them will be set off early, as it may then set off others."""
    cdef int danger, index = state.bomb_count - 1
    while index >= 0 and state.bombs[index].fuse == FUSE:
        danger = state.cells[state.bombs[index].cell] >> DANGER_SHIFT
        if danger != 0 and danger != FUSE:
            return False
        mark(state, state.boards.reach[index], FUSE)
        index -= 1
    return True


cdef void update_danger(BlastState* state, bint is_stale, bint has_burst) noexcept nogil:
    """The danger after this tick. Most dangers only come a tick nearer."""
    cdef bint closing_is_near = state.tick >= CLOSING_TICK - FUSE
    if not is_stale:
        if not (state.bomb_count or has_burst or closing_is_near):
            return
        pass_danger(state)
        if mark_new_bombs(state):
            if closing_is_near:
                mark_closing(state, 1 if has_burst else FUSE)
            return
    refresh_danger(state)


cdef inline int columns_and_rows_apart(int a, int b) noexcept nogil:
    cdef int columns = PLACES[a][0] - PLACES[b][0]
    cdef int rows = PLACES[a][1] - PLACES[b][1]
    return (rows if rows >= 0 else -rows) + (columns if columns >= 0 else -columns)


cdef int blast_step(void* raw, const uint8_t* actions, float* rewards) noexcept nogil:
    cdef BlastState* state = <BlastState*>raw
    cdef int index, player, apart
    cdef uint32_t due = 0
    cdef bint is_stale = False
    rewards[0] = 0
    rewards[1] = 0
    if state.ended:
        return TERMINATED
    state.tick += 1
    state.flames = bits_none()
    move_players(state, actions)
    for index in range(state.bomb_count):
        state.bombs[index].fuse -= 1
        due |= <uint32_t>(state.bombs[index].fuse == 0) << index
    if due:
        is_stale = burst_bombs(state, due)
    if state.tick >= CLOSING_TICK:
        is_stale |= close_arena(state)
    update_danger(state, is_stale, due != 0)
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

cdef inline void write_legal(const BlastState* state, int player, uint8_t* legal) noexcept nogil:
    cdef const Player* self = &state.players[player]
    cdef const uint8_t* here = &state.cells[self.cell]
    legal[WAIT] = 1
    legal[UP] = CAN_ENTER[(here - WIDTH)[0]]
    legal[DOWN] = CAN_ENTER[here[WIDTH]]
    legal[LEFT] = CAN_ENTER[(here - 1)[0]]
    legal[RIGHT] = CAN_ENTER[here[1]]
    legal[BOMB] = (self.bombs > 0) & (not has_bomb(here[0]))


cdef void blast_observe(const void* raw, uint8_t* observations, uint8_t* legal) noexcept nogil:
    cdef const BlastState* state = <const BlastState*>raw
    cdef int since_closing = state.tick - CLOSING_TICK
    cdef uint8_t ticks_to_closing = max(-since_closing, 0)
    cdef uint8_t ticks_closed = min(max(since_closing, 0), CLOSING_CELLS)
    cdef const Player* self
    cdef const Player* foe
    cdef uint8_t* out
    cdef int player
    for player in range(PLAYERS):
        self = &state.players[player]
        foe = &state.players[1 - player]
        # With the padding, which aligns the copy; the first scalar takes its place.
        memcpy(observations, state.cells, CELLS_PADDED)
        out = observations + CELLS
        memcpy(out, PLACES[self.cell], 2)
        memcpy(out + 2, PLACES[foe.cell], 2)
        memcpy(out + 4, &self.bombs, 3)     # bombs, capacity, range
        memcpy(out + 7, &foe.bombs, 3)
        out[10] = ticks_to_closing
        out[11] = ticks_closed
        out[12] = player
        observations += OBSERVATION
        write_legal(state, player, legal)
        legal += ACTIONS


# --------------------------------------------------------------------------- what can be survived

# What the next ticks bring to the board if nobody lays another bomb; tick 1 is the next one.
ctypedef struct Forecast:
    Bits[HORIZON + 1] passable      # cells that can be entered in tick t, players not counted
    Bits[HORIZON + 1] deadly        # cells that burn or close at the end of tick t
    int ticks                       # after this many ticks nothing more is due


cdef void make_forecast(
    const BlastState* state, const Bomb* laid_now, Forecast* out
) noexcept nogil:
    """Play the bombs and the closing on; `laid_now` is one more bomb, or NULL."""
    cdef Boards boards = state.boards
    cdef Bomb[MAX_BOMBS] bombs
    cdef Chain chain
    cdef int count = state.bomb_count, last = 0
    cdef int cell, index, tick
    cdef uint32_t waiting, due
    memcpy(bombs, state.bombs, sizeof(state.bombs))
    if laid_now != NULL:
        bombs[count] = laid_now[0]
        boards.reach[count] = flames_of(laid_now, &boards)
        bits_add(&boards.bombs, laid_now.cell)
        count += 1
    waiting = (1u << count) - 1
    for index in range(count):
        last = max(last, bombs[index].fuse)
    if state.tick + FUSE >= CLOSING_TICK:
        last = max(last, FUSE)
    out.ticks = last
    for tick in range(1, last + 1):
        out.passable[tick] = free_cells(&boards)
        out.deadly[tick] = bits_none()
        due = 0
        for index in range(count):
            due |= <uint32_t>(bombs[index].fuse == tick) << index
        due &= waiting
        if due:
            set_off(bombs, count, boards.reach, waiting, due, &chain)
            out.deadly[tick] = chain.flames
            waiting &= ~chain.bombs
            boards.crates = bits_without(boards.crates, chain.flames)
            boards.bombs = bits_without(boards.bombs, chain.flames)
        cell = closing_cell(state, state.tick + tick)
        if cell != 0 and bits_has(boards.open, cell):
            bits_add(&out.deadly[tick], cell)
            bits_remove(&boards.open, cell)
            for index in range(count):
                waiting &= ~(<uint32_t>(bombs[index].cell == cell) << index)
        for index in range(count):
            if bits_any(bits_and(boards.reach[index], out.deadly[tick])):
                boards.reach[index] = flames_of(&bombs[index], &boards)


# The cells where the other player may be.
ctypedef struct Whereabouts:
    Bits[HORIZON + 1] cells         # in tick t, 0 being now
    int moving                      # ticks in which they grow; 0: the other stands still


cdef void make_whereabouts(
    int cell, int caution, const Forecast* forecast, Whereabouts* out
) noexcept nogil:
    """The other player on `cell` may walk in each of the next `caution` ticks."""
    cdef Bits entered
    cdef int tick
    out.moving = min(caution, forecast.ticks)
    out.cells[0] = bits_of(cell)
    for tick in range(1, out.moving + 1):
        entered = bits_and(bits_neighbours(out.cells[tick - 1]), forecast.passable[tick])
        out.cells[tick] = bits_or(out.cells[tick - 1], entered)


cdef Bits lasting_cells(const Forecast* forecast, const Whereabouts* other) noexcept nogil:
    """The cells from which, being there in tick 1, some way of moving and waiting outlives it all
    without entering a cell where the other player may be. Found from the last tick backwards.

    That the other player may burn on the way, and so end the match, is not counted on.
    """
    cdef Bits lasting, entered
    cdef int tick
    lasting = bits_without(bits_all(), forecast.deadly[forecast.ticks])
    for tick in range(forecast.ticks, 1, -1):
        entered = bits_without(
            bits_and(lasting, forecast.passable[tick]), other.cells[min(tick, other.moving)]
        )
        lasting = bits_or(lasting, bits_neighbours(entered))
        lasting = bits_without(lasting, forecast.deadly[tick - 1])
    return lasting


cdef inline bint is_calm(const BlastState* state) noexcept nogil:
    """Whether nothing is due in the next eight ticks."""
    return state.bomb_count == 0 and state.tick + FUSE < CLOSING_TICK


cdef int lasting_actions(
    const BlastState* state, int player, int caution, const Forecast* as_it_stands,
    const Forecast* with_bomb, const uint8_t* legal, uint8_t* mask
) noexcept nogil:
    """Write the actions that last against an other player of this caution; how many there are.

    as_it_stands: NULL where all is calm; with_bomb: with one that this player lays now, NULL where
    that is not legal
    """
    cdef int here = state.players[player].cell, there = state.players[1 - player].cell
    cdef int action, cell, count = 0
    cdef Whereabouts other
    cdef Bits lasting
    memcpy(mask, legal, ACTIONS)
    if as_it_stands != NULL:
        make_whereabouts(there, caution, as_it_stands, &other)
        lasting = lasting_cells(as_it_stands, &other)
        for action in range(BOMB):
            cell = here + legal[action] * OFFSETS[action]
            if action != WAIT and bits_has(other.cells[min(1, other.moving)], cell):
                # The step may be refused, and is where the other stands still.
                mask[action] &= bits_has(lasting, here)
                mask[action] &= caution == 0 or bits_has(lasting, cell)
            else:
                mask[action] &= bits_has(lasting, cell)
    if with_bomb != NULL:
        make_whereabouts(there, caution, with_bomb, &other)
        mask[BOMB] = bits_has(lasting_cells(with_bomb, &other), here)
    for action in range(ACTIONS):
        count += mask[action]
    return count


cdef void fill_survivable(
    const BlastState* state, int player, int caution, const Forecast* as_it_stands, uint8_t* mask
) noexcept nogil:
    """`survivable_actions` with the forecast of no new bomb at hand, NULL where all is calm; with
    caution where that leaves an action, else with less."""
    cdef const Player* self = &state.players[player]
    cdef const Forecast* after_laying = NULL
    cdef uint8_t[ACTIONS] legal
    cdef Forecast with_bomb
    cdef Bomb bomb
    write_legal(state, player, legal)
    if legal[BOMB]:
        bomb.cell = self.cell
        bomb.fuse = HORIZON
        bomb.range = self.range
        bomb.owner = player
        make_forecast(state, &bomb, &with_bomb)
        after_laying = &with_bomb
    caution = min(caution, HORIZON)
    while not lasting_actions(
        state, player, caution, as_it_stands, after_laying, legal, mask
    ) and caution > 0:
        caution -= 1


cdef void survivable_actions(const BlastState* state, int player, uint8_t* mask) noexcept nogil:
    """uint8 [actions]: 1 where the action is legal and, if this player then only moves and waits and
    the other stands still, some way outlives every bomb on the board, its own, and the cells that
    close until the last of these has burst, or in the next eight ticks.
    """
    cdef Forecast forecast
    if is_calm(state):
        fill_survivable(state, player, 0, NULL, mask)
    else:
        make_forecast(state, NULL, &forecast)
        fill_survivable(state, player, 0, &forecast, mask)


cdef void blast_survivable(const void* raw, int caution, uint8_t* masks) noexcept nogil:
    cdef const BlastState* state = <const BlastState*>raw
    cdef const Forecast* as_it_stands = NULL
    cdef Forecast forecast      # one for both players
    cdef int player
    if not is_calm(state):
        make_forecast(state, NULL, &forecast)
        as_it_stands = &forecast
    for player in range(PLAYERS):
        fill_survivable(state, player, caution, as_it_stands, masks + player * ACTIONS)


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
    if bits_any(bits_and(state.hidden_ranges, state.hidden_bombs)):
        return False
    for cell in range(CELLS):
        if (state.cells[cell] & CONTENT) > BOMB_HERE:
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
        self.interface.state_size = sizeof(BlastState) - sizeof(Boards)
        self.interface.derived_size = sizeof(Boards)
        self.interface.set_up = blast_set_up
        self.interface.vary = blast_vary
        self.interface.step = blast_step
        self.interface.observe = blast_observe
        self.interface.survivable = blast_survivable
        self.interface.statistics = blast_statistics
        self.interface.is_sound = blast_is_sound
        self.interface.derive = derive_boards

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
