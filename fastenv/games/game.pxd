# The one interface between a game and the batch that steps it.
#
# A game is a plain struct of state and a table of functions on it. The struct begins with a
# `Header`; everything the rules need to go on is inside the struct, so that copying its bytes
# copies the game. The functions hold no state of their own, take no lock, raise nothing.
#
# Adding a game: one .pyx with the struct, the functions, a `GameSpec` named SPEC and a
# `CompiledGame` named GAME; its name in fastenv/registry.py, or, from another package, an entry
# point in the group "engine_plugin.games" that names the module.
from libc.stdint cimport int32_t, uint8_t, uint64_t

cdef enum:
    MAX_PLAYERS = 4

cdef enum:
    RUNNING = 0
    TERMINATED = 1      # ended by the rules
    TRUNCATED = 2       # cut by a limit

ctypedef struct Header:
    uint64_t stream                       # the env's own draws: level, variants
    uint64_t seat_streams[MAX_PLAYERS]    # scripted players draw here, one stream a seat
    int32_t level_index                   # of the running episode, in the batch's list of levels
    int32_t illegal_actions               # illegal actions played as "wait" since the reset

ctypedef struct GameInterface:
    size_t state_size                     # bytes of the state struct that are saved
    size_t derived_size                   # bytes after them that follow from them; 0: none
    # Write the state in which episodes on `level` (uint8 [height * width] tile ids) start, into
    # zeroed bytes and all but the header: done once a level, an episode starts as a copy.
    void (*set_up)(void* state, const uint8_t* level) noexcept nogil
    # Draw from the header's stream what differs between episodes on one level; NULL: nothing does.
    void (*vary)(void* state) noexcept nogil
    # One tick. actions uint8 [players], every one below the number of actions. Writes rewards
    # float32 [players]; returns an Outcome.
    int (*step)(void* state, const uint8_t* actions, float* rewards) noexcept nogil
    # Write observations uint8 [players, observation_size] and legal masks uint8 [players, actions].
    void (*observe)(const void* state, uint8_t* observations, uint8_t* legal) noexcept nogil
    # Write survivable masks uint8 [players, actions], for others who may walk for `caution` ticks.
    void (*survivable)(const void* state, int caution, uint8_t* masks) noexcept nogil
    # Write the episode's counters int32 [players, statistics].
    void (*statistics)(const void* state, int32_t* out) noexcept nogil
    # Whether a state that came from outside can be stepped without harm.
    bint (*is_sound)(const void* state) noexcept nogil
    # Write the derived bytes of a sound state that was loaded; needed only where there are any.
    void (*derive)(void* state) noexcept nogil

# What a scripted player does in one seat now; draws only from that seat's stream.
ctypedef uint8_t (*Decide)(void* state, int seat) noexcept nogil

cdef class ScriptedPlayer:
    cdef Decide decide
    cdef readonly str name

# A scripted player of this name; a game's module, or that of its players, has them in BOTS by name.
cdef ScriptedPlayer scripted(str name, Decide decide)

cdef class CompiledGame:
    cdef GameInterface interface
    cdef readonly object spec
    cdef dict snapshot(self, const void* state)
