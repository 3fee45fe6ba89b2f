"""Scripted players for Blast, each with a manner of its own.

idle      waits, whatever happens
survivor  plays at random, but only actions it can survive: the yardstick for style and strength
hunter    goes for the opponent and blasts whatever stands between them
miner     goes for crates and items, and keeps out of the opponent's way

All but idle play only survivable actions while there is one. A way to a target is found by flooding
the free cells outwards from all targets at once until the flood reaches the player: the neighbours
it arrives by are the first steps of the shortest ways.
"""

from libc.stdint cimport uint8_t, uint64_t

from fastenv.games.bitboard cimport (
    Bits, bits_add, bits_all, bits_and, bits_any, bits_has, bits_is, bits_neighbours, bits_none,
    bits_of, bits_or, bits_same, bits_without,
)
from fastenv.games.blast cimport (
    ACTIONS, BOMB, DANGER_SHIFT, RIGHT, UP, WAIT, BlastState, Boards, free_cells, spread,
    step_offset, survivable_actions,
)
from fastenv.games.game cimport scripted
from fastenv.games.rng cimport draw_below, draw_chance

cdef enum:
    FAR = 99
    WANDER_PERCENT = 4      # how often a player does something safe at random
    ITEM_DETOUR = 6         # steps that a hunter goes for an item
    SHY_DISTANCE = 4        # steps at which a miner gives way

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


cdef int choose(uint64_t* stream, const uint8_t* allowed) noexcept nogil:
    """One of the allowed actions, each alike; WAIT if there is none."""
    cdef int action, count = 0, pick
    for action in range(ACTIONS):
        count += allowed[action]
    if count == 0:
        return WAIT
    pick = draw_below(stream, count)
    for action in range(ACTIONS):
        if allowed[action]:
            if pick == 0:
                return action
            pick -= 1
    return WAIT


cdef int steps_toward(
    const View* view, Bits targets, int limit, uint8_t* steps
) noexcept nogil:
    """Mark the survivable first steps of the shortest ways to `targets`; return their length, 0 if
    the player stands on a target, FAR if no way of at most `limit` steps begins survivably."""
    cdef Bits flood = bits_and(targets, view.free)
    cdef Bits before, first_steps = bits_none()
    cdef int distance, action
    for action in range(ACTIONS):
        steps[action] = 0
    if bits_has(flood, view.own):
        return 0
    for action in range(UP, RIGHT + 1):
        if view.safe[action]:
            bits_add(&first_steps, view.own + step_offset(action))
    for distance in range(1, limit + 1):
        if bits_any(bits_and(flood, first_steps)):
            for action in range(UP, RIGHT + 1):
                # In this order: the cell of a step that is not safe may lie outside the bits.
                steps[action] = view.safe[action] \
                    and bits_has(flood, view.own + step_offset(action))
            return distance
        before = flood
        flood = bits_or(flood, bits_and(bits_neighbours(flood), view.free))
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
    if steps_toward(view, view.calm, FAR, steps) != FAR:
        return choose(stream, steps)
    view.safe[BOMB] = 0
    return choose(stream, view.safe)


cdef uint8_t idle(void* raw, int seat) noexcept nogil:
    return WAIT


cdef uint8_t survivor(void* raw, int seat) noexcept nogil:
    cdef BlastState* state = <BlastState*>raw
    cdef uint8_t[ACTIONS] safe
    survivable_actions(state, seat, safe)
    return choose(&state.header.seat_streams[seat], safe)


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
    cdef int distance = steps_toward(view, targets, limit, steps)
    if distance == FAR:
        return -1
    if distance == 0:
        return WAIT
    only_calm_steps(view, steps)
    return choose(stream, steps)


cdef uint8_t hunter(void* raw, int seat) noexcept nogil:
    cdef BlastState* state = <BlastState*>raw
    cdef uint64_t* stream = &state.header.seat_streams[seat]
    cdef View view
    cdef Bits foe_reach, crate_places
    cdef int action
    look(state, seat, &view)
    if draw_chance(stream, WANDER_PERCENT):
        return choose(stream, view.safe)
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
    return choose(stream, view.safe)


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
        return choose(stream, view.safe)
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
    cdef Bits foe = bits_none()
    cdef int action
    bits_add(&foe, view.foe)
    if not view.safe[WAIT]:
        return choose(stream, view.safe)
    if steps_toward(view, foe, SHY_DISTANCE, steps) == FAR:
        return WAIT
    for action in range(UP, RIGHT + 1):
        steps[action] = view.safe[action] and not steps[action]
    only_calm_steps(view, steps)
    return choose(stream, steps)


BOTS = {
    player.name: player
    for player in (
        scripted("idle", idle),
        scripted("survivor", survivor),
        scripted("hunter", hunter),
        scripted("miner", miner),
    )
}
