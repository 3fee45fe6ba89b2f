"""Scripted players for Blast, each with a manner of its own.

idle      waits, whatever happens
survivor  plays at random, but only actions it can survive: the yardstick for style and strength
hunter    goes for the opponent and blasts whatever stands between them
miner     goes for crates and items, and keeps out of the opponent's way
turtle    digs in near its start, waits, and bombs only to bar the way to itself; late in the match
          it makes for the middle, which closes last
rusher    runs straight at the opponent and bombs from close by, again and again; blasts no crate but
          those that bar its way, goes for no item, and never stands still

All but idle play only survivable actions while there is one. A way to a target is found by flooding
the free cells outwards from all targets at once until the flood reaches the player: the neighbours
it arrives by are the first steps of the shortest ways.
"""

from libc.stdint cimport uint8_t, uint64_t

from fastenv.games.bitboard cimport (
    Bits, bits_add, bits_all, bits_and, bits_any, bits_down, bits_has, bits_is, bits_left,
    bits_neighbours, bits_none, bits_of, bits_or, bits_pop, bits_right, bits_same, bits_up,
    bits_without,
)
from fastenv.games.blast cimport (
    ACTIONS, BOMB, CONTENT, CRATE, DANGER_SHIFT, RIGHT, UP, WAIT, BlastState, Boards, free_cells,
    spread, step_offset, survivable_actions,
)
from fastenv.games.game cimport scripted
from fastenv.games.rng cimport draw_allowed, draw_chance

cdef enum:
    FAR = 99
    WANDER_PERCENT = 4      # how often a player does something safe at random
    ITEM_DETOUR = 6         # steps that a hunter goes for an item
    SHY_DISTANCE = 4        # steps at which a miner gives way
    CLOSE_DISTANCE = 3      # steps at which a rusher bombs
    GUARD_DISTANCE = 4      # steps at which a turtle bars the way, or stands still
    REFUGE_STEPS = 5        # steps that it will run from a bomb that bars the way
    TERRITORY_STEPS = 12    # how far ahead it asks who is where first
    NEST_STEPS = 3          # steps that it goes for a better place to wait in
    FOE_REACH = 4           # cells that it takes the opponent's bombs to reach
    ROOM = 6                # cells that it wants to itself, or it digs
    INWARD_TICK = 130       # when it sets out for the middle, which closes last
    MIDDLE = 71             # the cell there

ctypedef struct View:
    uint8_t safe[ACTIONS]   # survivable actions
    Bits free               # cells that can be stood on (the opponent's cell included)
    Bits calm               # free cells that nothing threatens
    Bits items
    Bits calm_crates        # crates that no bomb on the board burns
    int own
    int foe
    int range
    bint can_bomb


cdef void look(const BlastState* state, int seat, View* view) noexcept nogil:
    cdef Bits threatened = bits_without(bits_all(), bits_is(state.cells, DANGER_SHIFT, 0))
    survivable_actions(state, seat, view.safe)
    view.own = state.players[seat].cell
    view.foe = state.players[1 - seat].cell
    view.range = state.players[seat].range
    view.can_bomb = view.safe[BOMB]
    view.free = free_cells(&state.boards)
    view.calm = bits_without(view.free, threatened)
    view.items = state.boards.items
    view.calm_crates = bits_without(state.boards.crates, threatened)


cdef int steps_toward(
    const View* view, const uint8_t* allowed, Bits targets, Bits over, int limit, uint8_t* steps
) noexcept nogil:
    """Mark the first steps of the shortest ways to `targets` over these cells that begin with an
    allowed step; return their length, 0 if the player stands on a target, FAR if there is none of at
    most `limit` steps."""
    cdef Bits flood = bits_and(targets, over)
    cdef Bits before, first_steps = bits_none()
    cdef int distance, action
    for action in range(ACTIONS):
        steps[action] = 0
    if bits_has(flood, view.own):
        return 0
    for action in range(UP, RIGHT + 1):
        if allowed[action]:
            bits_add(&first_steps, view.own + step_offset(action))
    for distance in range(1, limit + 1):
        if bits_any(bits_and(flood, first_steps)):
            for action in range(UP, RIGHT + 1):
                # In this order: the cell of another step may lie outside the bits.
                steps[action] = allowed[action] \
                    and bits_has(flood, view.own + step_offset(action))
            return distance
        before = flood
        flood = bits_or(flood, bits_and(bits_neighbours(flood), over))
        if bits_same(flood, before):
            return FAR
    return FAR


cdef Bits reach_of(const Boards* boards, int cell, int range_) noexcept nogil:
    """Floor from which a bomb of this range would burn `cell` (bombs and players do not shield)."""
    cdef Bits floor = bits_without(boards.open, boards.crates)
    return spread(bits_of(cell), range_, floor, bits_none())


cdef Bits beside_crates(const Boards* boards, const View* view) noexcept nogil:
    """Calm cells from which a bomb burns at least one crate that no bomb burns already."""
    cdef Bits floor = bits_without(boards.open, boards.crates)
    return bits_and(spread(view.calm_crates, view.range, floor, bits_none()), view.calm)


cdef int leave_danger(View* view, uint64_t* stream) noexcept nogil:
    """A first step to the nearest calm cell; a survivable action if there is no way."""
    cdef uint8_t[ACTIONS] steps
    if steps_toward(view, view.safe, view.calm, view.free, FAR, steps) != FAR:
        return draw_allowed(stream, steps, ACTIONS)
    view.safe[BOMB] = 0
    return draw_allowed(stream, view.safe, ACTIONS)


cdef uint8_t idle(void* raw, int seat) noexcept nogil:
    return WAIT


cdef uint8_t survivor(void* raw, int seat) noexcept nogil:
    cdef BlastState* state = <BlastState*>raw
    cdef uint8_t[ACTIONS] safe
    survivable_actions(state, seat, safe)
    return draw_allowed(&state.header.seat_streams[seat], safe, ACTIONS)


cdef void only_calm_steps(const View* view, uint8_t* steps) noexcept nogil:
    """Forget steps onto threatened cells, so that a walk does not run through a coming blast."""
    cdef int action
    for action in range(UP, RIGHT + 1):
        if steps[action] and not bits_has(view.calm, view.own + step_offset(action)):
            steps[action] = 0


cdef int walk(View* view, Bits targets, int limit, uint64_t* stream) noexcept nogil:
    """An action that walks to the targets over calm cells: a step, WAIT where the way is threatened
    or done, -1 where there is no way."""
    cdef uint8_t[ACTIONS] steps
    cdef int distance = steps_toward(view, view.safe, targets, view.free, limit, steps)
    if distance == FAR:
        return -1
    if distance == 0:
        return WAIT
    only_calm_steps(view, steps)
    return draw_allowed(stream, steps, ACTIONS)


cdef uint8_t hunter(void* raw, int seat) noexcept nogil:
    cdef BlastState* state = <BlastState*>raw
    cdef uint64_t* stream = &state.header.seat_streams[seat]
    cdef View view
    cdef Bits foe_reach, crate_places
    cdef int action
    look(state, seat, &view)
    if draw_chance(stream, WANDER_PERCENT):
        return draw_allowed(stream, view.safe, ACTIONS)
    foe_reach = reach_of(&state.boards, view.foe, view.range)
    if view.can_bomb and bits_has(foe_reach, view.own):
        return BOMB
    if not bits_has(view.calm, view.own):
        return leave_danger(&view, stream)
    action = walk(&view, view.items, ITEM_DETOUR, stream)
    if action >= 0:
        return action
    crate_places = beside_crates(&state.boards, &view)
    if view.can_bomb and bits_has(crate_places, view.own) and draw_chance(stream, 70):
        return BOMB
    action = walk(&view, foe_reach, FAR, stream)
    if action >= 0:
        return action
    action = walk(&view, nearest_to(crate_places, view.foe, state.boards.open), FAR, stream)
    if action >= 0:
        return action
    view.safe[BOMB] = 0
    return draw_allowed(stream, view.safe, ACTIONS)


cdef Bits nearest_to(Bits cells, int goal, Bits over) noexcept nogil:
    """Those of the cells that the fewest steps over these lead to from `goal`."""
    cdef Bits flood = bits_of(goal)
    cdef Bits found = bits_and(cells, flood)
    cdef Bits before
    while not bits_any(found):
        before = flood
        flood = bits_or(flood, bits_and(bits_neighbours(flood), over))
        if bits_same(flood, before):
            break
        found = bits_and(cells, flood)
    return found


cdef uint8_t miner(void* raw, int seat) noexcept nogil:
    cdef BlastState* state = <BlastState*>raw
    cdef uint64_t* stream = &state.header.seat_streams[seat]
    cdef View view
    cdef Bits crate_places
    cdef int action
    look(state, seat, &view)
    if draw_chance(stream, WANDER_PERCENT):
        return draw_allowed(stream, view.safe, ACTIONS)
    if not bits_has(view.calm, view.own):
        return leave_danger(&view, stream)
    action = walk(&view, view.items, FAR, stream)
    if action >= 0:
        return action
    crate_places = beside_crates(&state.boards, &view)
    if view.can_bomb and bits_has(crate_places, view.own):
        return BOMB
    action = walk(&view, crate_places, FAR, stream)
    if action >= 0:
        return action
    view.safe[BOMB] = 0
    return give_way(&view, stream)


cdef int give_way(View* view, uint64_t* stream) noexcept nogil:
    """Away from an opponent who is near, else stand still."""
    cdef uint8_t[ACTIONS] steps
    cdef int action
    if not view.safe[WAIT]:
        return draw_allowed(stream, view.safe, ACTIONS)
    if steps_toward(view, view.safe, bits_of(view.foe), view.free, SHY_DISTANCE, steps) == FAR:
        return WAIT
    for action in range(UP, RIGHT + 1):
        steps[action] = view.safe[action] and not steps[action]
    only_calm_steps(view, steps)
    return draw_allowed(stream, steps, ACTIONS)


cdef Bits flooded(Bits origins, Bits over) noexcept nogil:
    """The origins and all cells that ways over these cells lead to."""
    cdef Bits before, flood = origins
    for _ in range(FAR):
        before = flood
        flood = bits_or(flood, bits_and(bits_neighbours(flood), over))
        if bits_same(flood, before):
            break
    return flood


cdef Bits beside_the_bar(const Boards* boards, const View* view, Bits targets) noexcept nogil:
    """Calm cells beside the first crate of the ways to the targets that fewest crates bar. Bombs, and
    crates that are about to burn, bar none for long. No cells where no crate bars the way."""
    cdef Bits bar = bits_none()
    cdef Bits open_cells = bits_without(boards.open, view.calm_crates)
    cdef Bits reached = flooded(targets, open_cells)
    for _ in range(FAR):
        if bits_has(reached, view.own):
            break
        bar = bits_without(bits_and(bits_neighbours(reached), boards.crates), reached)
        if not bits_any(bar):
            break
        reached = flooded(bits_or(reached, bar), open_cells)
    return bits_and(bits_neighbours(bar), view.calm)


cdef int clear_the_way(
    const BlastState* state, View* view, Bits targets, uint64_t* stream
) noexcept nogil:
    """An action that blasts a way to the targets: a step, BOMB, WAIT where that must wait; -1 where
    no crate bars it."""
    cdef Bits places = beside_the_bar(&state.boards, view, targets)
    if not bits_any(places):
        return -1
    if bits_has(places, view.own):
        return BOMB if view.can_bomb else WAIT
    return walk(view, places, FAR, stream)


cdef Bits nests(const Boards* boards, const View* view) noexcept nogil:
    """Calm cells with two open sides, out of the way of a bomb laid where the opponent stands."""
    cdef Bits floor = bits_without(boards.open, boards.crates)
    cdef Bits up = bits_down(floor), down = bits_up(floor)
    cdef Bits left = bits_right(floor), right = bits_left(floor)
    cdef Bits both = bits_or(bits_and(up, down), bits_and(left, right))
    cdef Bits across = bits_and(bits_or(up, down), bits_or(left, right))
    cdef Bits three = bits_and(both, across)
    cdef Bits two = bits_without(bits_or(both, across), three)
    return bits_without(
        bits_and(two, view.calm), reach_of(boards, view.foe, FOE_REACH)
    )


cdef bint is_cramped(const View* view) noexcept nogil:
    """Whether there are fewer than ROOM cells to walk on."""
    cdef Bits room = bits_of(view.own)
    cdef int count = 0
    for _ in range(ROOM):
        room = bits_or(room, bits_and(bits_neighbours(room), view.free))
    while bits_any(room):
        bits_pop(&room)
        count += 1
    return count < ROOM


cdef Bits territory(const View* view) noexcept nogil:
    """Cells that the player can be on before the opponent."""
    cdef Bits own = bits_of(view.own), foe = bits_of(view.foe)
    for _ in range(TERRITORY_STEPS):
        foe = bits_or(foe, bits_without(bits_and(bits_neighbours(foe), view.free), own))
        own = bits_or(own, bits_without(bits_and(bits_neighbours(own), view.free), foe))
    return own


cdef bint can_bar_the_way(const BlastState* state, const View* view, Bits home) noexcept nogil:
    """Whether a bomb laid now leaves a place at home to wait for its burst."""
    cdef uint8_t[ACTIONS] steps
    cdef Bits blast = spread(
        bits_of(view.own), view.range, state.boards.open, state.boards.crates
    )
    cdef Bits refuge = bits_without(bits_and(home, view.calm), blast)
    return view.can_bomb and steps_toward(view, view.safe, refuge, home, REFUGE_STEPS, steps) != FAR


cdef int take_cover(View* view, Bits home, uint64_t* stream) noexcept nogil:
    """To the nearest calm cell at home; to any where there is none."""
    cdef uint8_t[ACTIONS] steps
    if steps_toward(view, view.safe, bits_and(home, view.calm), home, FAR, steps) != FAR:
        return draw_allowed(stream, steps, ACTIONS)
    return leave_danger(view, stream)


cdef uint8_t turtle(void* raw, int seat) noexcept nogil:
    cdef BlastState* state = <BlastState*>raw
    cdef uint64_t* stream = &state.header.seat_streams[seat]
    cdef View view
    cdef uint8_t[ACTIONS] steps
    cdef Bits home, middle
    cdef int action, way
    look(state, seat, &view)
    home = territory(&view)
    if not bits_has(view.calm, view.own):
        return take_cover(&view, home, stream)
    way = steps_toward(&view, view.safe, bits_of(view.foe), view.free, FAR, steps)
    if draw_chance(stream, WANDER_PERCENT):
        only_calm_steps(&view, view.safe)
        view.safe[BOMB] = 0
        return draw_allowed(stream, view.safe, ACTIONS)
    if way <= GUARD_DISTANCE:
        return BOMB if can_bar_the_way(state, &view, home) else WAIT
    if state.tick >= INWARD_TICK:
        middle = nearest_to(
            bits_without(view.free, bits_of(view.foe)), MIDDLE, state.boards.open
        )
        action = clear_the_way(state, &view, middle, stream)
        if action < 0:
            action = walk(&view, middle, FAR, stream)
        return action if action >= 0 else WAIT
    if is_cramped(&view) and view.can_bomb \
            and bits_has(beside_crates(&state.boards, &view), view.own):
        return BOMB
    action = walk(&view, nests(&state.boards, &view), NEST_STEPS, stream)
    return action if action >= 0 else WAIT


cdef int prowl(View* view, Bits open_cells, uint64_t* stream) noexcept nogil:
    """As near to the opponent as calm cells lead."""
    cdef uint8_t[ACTIONS] steps
    cdef Bits reached = flooded(bits_of(view.own), view.calm)
    steps_toward(view, view.safe, nearest_to(reached, view.foe, open_cells), view.calm, FAR, steps)
    only_calm_steps(view, steps)
    return draw_allowed(stream, steps, ACTIONS)


cdef int pace(View* view, uint64_t* stream) noexcept nogil:
    """A step to any calm cell; WAIT where there is none."""
    view.safe[WAIT] = 0
    view.safe[BOMB] = 0
    only_calm_steps(view, view.safe)
    return draw_allowed(stream, view.safe, ACTIONS)


cdef uint8_t rusher(void* raw, int seat) noexcept nogil:
    cdef BlastState* state = <BlastState*>raw
    cdef uint64_t* stream = &state.header.seat_streams[seat]
    cdef View view
    cdef Bits beside
    cdef uint8_t[ACTIONS] steps
    cdef int action, way
    look(state, seat, &view)
    if draw_chance(stream, WANDER_PERCENT):
        return draw_allowed(stream, view.safe, ACTIONS)
    beside = bits_and(bits_neighbours(bits_of(view.foe)), view.free)
    way = steps_toward(&view, view.safe, beside, view.free, FAR, steps)
    if view.can_bomb and way + 1 <= CLOSE_DISTANCE:
        return BOMB
    if not bits_has(view.calm, view.own):
        return leave_danger(&view, stream)
    action = -1
    if way == FAR:
        action = clear_the_way(state, &view, bits_of(view.foe), stream)
    if action < 0:
        action = prowl(&view, state.boards.open, stream)
    return action if action != WAIT else pace(&view, stream)


BOTS = {
    player.name: player
    for player in (
        scripted("idle", idle),
        scripted("survivor", survivor),
        scripted("hunter", hunter),
        scripted("miner", miner),
        scripted("turtle", turtle),
        scripted("rusher", rusher),
    )
}
