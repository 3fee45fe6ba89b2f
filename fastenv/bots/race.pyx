"""Scripted players for Race, each with a manner of its own.

idle      waits, whatever happens
survivor  plays at random among the legal actions: the yardstick for style and strength
racer     runs the shortest way to a coin, slides included
pusher    pushes every crate that it comes beside, and runs for coins between

The shortest way is found tick by tick: all places (a cell, and whether one slides over it and
where to) that can be reached in one tick, in two, and so on, until one of them is a coin.
"""

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memset

from fastenv.games.game cimport scripted
from fastenv.games.race cimport (
    ACTIONS, CELLS, COIN, ICE, RIGHT, UP, WAIT, RaceState, blocks_step, is_legal, is_push,
    step_offset,
)
from fastenv.games.rng cimport draw_allowed, draw_chance

cdef enum:
    WANDER_PERCENT = 4      # how often a player does something at random
    PLACES = 715            # CELLS * (1 + four directions of a slide)


cdef int at_random(const RaceState* state, int seat, uint64_t* stream) noexcept nogil:
    cdef uint8_t[ACTIONS] allowed
    cdef int action
    for action in range(ACTIONS):
        allowed[action] = is_legal(state, seat, action)
    return draw_allowed(stream, allowed, ACTIONS)


cdef int way_to_a_coin(const RaceState* state, int seat) noexcept nogil:
    """The first action of a shortest way to a coin, crates left where they are; -1 without one."""
    cdef uint8_t[PLACES] seen
    cdef uint8_t[PLACES] first      # action that the way to this place begins with
    cdef int[PLACES] queue
    cdef int head = 0, tail = 0
    cdef int place, cell, sliding, direction, target, slides_on, found
    memset(seen, 0, PLACES)
    place = state.players[seat].cell * ACTIONS + state.players[seat].sliding
    seen[place] = 1
    first[place] = ACTIONS
    queue[tail] = place
    tail += 1
    while head < tail:
        place = queue[head]
        head += 1
        cell = place // ACTIONS
        sliding = place % ACTIONS
        for direction in range(UP, RIGHT + 1):
            if sliding != WAIT and direction != sliding:
                continue
            target = cell + step_offset(direction)
            if blocks_step(state.cells[target]):
                continue
            slides_on = WAIT
            if state.cells[target] == ICE \
                    and not blocks_step(state.cells[target + step_offset(direction)]):
                slides_on = direction
            found = target * ACTIONS + slides_on
            if seen[found]:
                continue
            seen[found] = 1
            first[found] = first[place]
            if first[found] == ACTIONS:
                first[found] = WAIT if sliding != WAIT else direction
            if state.cells[target] == COIN:
                return first[found]
            queue[tail] = found
            tail += 1
    return -1


cdef uint8_t idle(void* raw, int seat) noexcept nogil:
    return WAIT


cdef uint8_t survivor(void* raw, int seat) noexcept nogil:
    cdef RaceState* state = <RaceState*>raw
    return at_random(state, seat, &state.header.seat_streams[seat])


cdef uint8_t racer(void* raw, int seat) noexcept nogil:
    cdef RaceState* state = <RaceState*>raw
    cdef uint64_t* stream = &state.header.seat_streams[seat]
    cdef int action
    if draw_chance(stream, WANDER_PERCENT):
        return at_random(state, seat, stream)
    action = way_to_a_coin(state, seat)
    return action if action >= 0 else at_random(state, seat, stream)


cdef uint8_t pusher(void* raw, int seat) noexcept nogil:
    cdef RaceState* state = <RaceState*>raw
    cdef uint64_t* stream = &state.header.seat_streams[seat]
    cdef uint8_t[ACTIONS] pushes
    cdef int action, count = 0
    for action in range(ACTIONS):
        pushes[action] = is_legal(state, seat, action) and is_push(state, seat, action)
        count += pushes[action]
    if count:
        return draw_allowed(stream, pushes, ACTIONS)
    return racer(raw, seat)


BOTS = {
    player.name: player
    for player in (
        scripted("idle", idle),
        scripted("survivor", survivor),
        scripted("racer", racer),
        scripted("pusher", pusher),
    )
}
