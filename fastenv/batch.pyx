"""BatchEnv: N games stepped together in one loop without the interpreter.

The batch owns its buffers and overwrites them in every step; copy what must outlast the next one.
Every env has its own random streams, seeded from (seed, env index), so that a game does not depend
on the size of the batch or on the other envs.
"""

import json
import struct
import zlib

import numpy as np

from fastenv.errors import ActionError, LevelError, StateError
from fastenv.level import Level

from libc.stdint cimport int32_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from fastenv.games.game cimport (
    MAX_PLAYERS, RUNNING, TERMINATED, TRUNCATED, CompiledGame, GameInterface, Header, ScriptedPlayer,
)
from fastenv.games.rng cimport draw_below, stream_of

cdef enum:
    ALIGNMENT = 64
    STREAM_OF_ENV = 0
    STREAM_OF_SEAT = 1

STATE_MAGIC = b"fastenv1"


cdef class BatchEnv:
    """N running games of one kind; see `fastenv.make_batch`.

    Buffers (NumPy arrays, overwritten by `step` and `reset`):
        observations        uint8 [num_envs, players, observation_size]
        legal_mask          uint8 [num_envs, players, actions]
        rewards             float32 [num_envs, players]
        terminated          bool [num_envs], ended by the rules in this step
        truncated           bool [num_envs], cut by a limit in this step
        final_observations  uint8 like observations; rows of envs that ended in this step
        final_statistics    int32 [num_envs, players, statistics]; likewise
        level_index         int32 [num_envs], which of `levels` the running episode started on
    """

    cdef CompiledGame game
    cdef GameInterface* interface
    cdef void* memory
    cdef uint8_t* states
    cdef size_t stride
    cdef readonly int num_envs
    cdef readonly int players
    cdef readonly bint autoreset
    cdef readonly list levels
    cdef readonly object spec
    cdef readonly object observations, legal_mask, rewards, terminated, truncated
    cdef readonly object final_observations, final_statistics, level_index
    cdef int actions, observation_size, statistic_count
    cdef int level_count
    cdef uint8_t[:, ::1] level_tiles
    cdef uint8_t[:, :, ::1] observations_view, legal_view, final_view
    cdef float[:, ::1] rewards_view
    cdef uint8_t[::1] terminated_view, truncated_view
    cdef int32_t[:, :, ::1] statistics_view
    cdef int32_t[::1] level_view

    def __cinit__(self, CompiledGame game, int num_envs, object seed, list levels, bint autoreset):
        spec = game.spec
        if num_envs < 1:
            raise ValueError(f"expected at least one env, got {num_envs}")
        if not levels:
            raise LevelError("expected at least one level, got none")
        self.game = game
        self.interface = &game.interface
        self.spec = spec
        self.num_envs = num_envs
        self.players = spec.players
        self.actions = len(spec.actions)
        self.observation_size = spec.observation_size
        self.statistic_count = len(spec.statistics)
        self.autoreset = autoreset
        self.set_levels(levels)
        self.stride = (self.interface.state_size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        self.memory = calloc(num_envs + 1, self.stride)
        if self.memory == NULL:
            raise MemoryError(f"{num_envs} envs of {self.stride} bytes")
        self.states = <uint8_t*>(
            (<size_t>self.memory + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        )
        shape = (num_envs, self.players)
        self.observations = np.zeros((*shape, self.observation_size), np.uint8)
        self.final_observations = np.zeros_like(self.observations)
        self.legal_mask = np.zeros((*shape, self.actions), np.uint8)
        self.rewards = np.zeros(shape, np.float32)
        self.terminated = np.zeros(num_envs, bool)
        self.truncated = np.zeros(num_envs, bool)
        self.final_statistics = np.zeros((*shape, self.statistic_count), np.int32)
        self.level_index = np.zeros(num_envs, np.int32)
        self.observations_view = self.observations
        self.final_view = self.final_observations
        self.legal_view = self.legal_mask
        self.rewards_view = self.rewards
        self.terminated_view = self.terminated.view(np.uint8)
        self.truncated_view = self.truncated.view(np.uint8)
        self.statistics_view = self.final_statistics
        self.level_view = self.level_index
        self.reset(seed)

    def __dealloc__(self):
        free(self.memory)

    def set_levels(self, levels):
        """Let the following episodes start on these levels (a non-empty list of `Level`); the
        `level_index` of running ones still counts in the old list.

        Raises LevelError for one that the game cannot start from; nothing changes.
        """
        if not levels:
            raise LevelError("expected at least one level, got none")
        # A Level can be built without its checks, and the rules rely on the border and the spawns.
        tiles = np.stack([Level.from_tiles(level.tiles, self.spec).tiles for level in levels])
        self.levels = list(levels)
        self.level_tiles = np.ascontiguousarray(tiles.reshape(len(levels), -1))
        self.level_count = len(levels)

    cdef inline void* state(self, int index) noexcept nogil:
        return self.states + index * self.stride

    cdef void start_episode(self, int index) noexcept nogil:
        cdef Header* header = <Header*>self.state(index)
        cdef int level = draw_below(&header.stream, self.level_count)
        header.level_index = level
        self.interface.reset(<void*>header, &self.level_tiles[level, 0])
        self.level_view[index] = level

    cdef inline void observe(self, int index) noexcept nogil:
        self.interface.observe(
            self.state(index), &self.observations_view[index, 0, 0], &self.legal_view[index, 0, 0]
        )

    def reset(self, seed=None):
        """Start all envs anew: from `seed` (0 to 2**64 - 1), or, without one, each on its streams.

        Raises ValueError for a seed out of range.
        """
        cdef uint64_t base = 0
        cdef Header* header
        cdef int index, seat
        if seed is not None:
            if not 0 <= int(seed) < 2**64:
                raise ValueError(f"expected a seed from 0 to 2**64 - 1, got {seed}")
            base = int(seed)
        for index in range(self.num_envs):
            if seed is not None:
                header = <Header*>self.state(index)
                header.stream = stream_of(base, index, STREAM_OF_ENV)
                for seat in range(MAX_PLAYERS):
                    header.seat_streams[seat] = stream_of(base, index, STREAM_OF_SEAT + seat)
            self.start_episode(index)
            self.observe(index)
        self.rewards[...] = 0
        self.terminated[...] = False
        self.truncated[...] = False

    def step(self, actions):
        """Play one tick in every env.

        actions: uint8 [num_envs, players], each below the number of actions. An illegal one is
        played as action 0 and counted (`illegal_actions`). Raises ActionError before anything moves.
        """
        cdef const uint8_t[:, ::1] chosen
        cdef int index, outcome, total = self.num_envs * self.players
        cdef uint8_t highest = 0
        cdef const uint8_t* flat
        cdef bint ended
        try:
            chosen = actions
        except (ValueError, TypeError) as error:
            raise ActionError(
                f"expected C-contiguous uint8 [{self.num_envs}, {self.players}] actions, got "
                f"{getattr(actions, 'dtype', type(actions).__name__)} "
                f"{list(getattr(actions, 'shape', ()))}"
            ) from error
        if chosen.shape[0] != self.num_envs or chosen.shape[1] != self.players:
            raise ActionError(
                f"expected actions of shape [{self.num_envs}, {self.players}], "
                f"got [{chosen.shape[0]}, {chosen.shape[1]}]"
            )
        flat = &chosen[0, 0]
        with nogil:
            for index in range(total):
                highest = max(highest, flat[index])
        if highest >= self.actions:
            raise ActionError(f"expected actions below {self.actions}, got {highest}")
        with nogil:
            for index in range(self.num_envs):
                outcome = self.interface.step(
                    self.state(index), &chosen[index, 0], &self.rewards_view[index, 0]
                )
                self.terminated_view[index] = outcome == TERMINATED
                self.truncated_view[index] = outcome == TRUNCATED
                if outcome != RUNNING:
                    self.interface.observe(
                        self.state(index), &self.final_view[index, 0, 0],
                        &self.legal_view[index, 0, 0],
                    )
                    self.interface.statistics(
                        self.state(index), &self.statistics_view[index, 0, 0]
                    )
                    if self.autoreset:
                        self.start_episode(index)
                self.observe(index)

    def survivable_mask(self, out=None):
        """uint8 [num_envs, players, actions]: legal actions after which some way of moving and
        waiting outlives everything now due, the others standing still. Written into `out`."""
        cdef uint8_t[:, :, ::1] masks
        cdef int index
        if out is None:
            out = np.empty((self.num_envs, self.players, self.actions), np.uint8)
        elif out.shape != (self.num_envs, self.players, self.actions):
            raise ValueError(
                f"expected out of shape {(self.num_envs, self.players, self.actions)}, "
                f"got {out.shape}"
            )
        masks = out
        with nogil:
            for index in range(self.num_envs):
                self.interface.survivable(self.state(index), &masks[index, 0, 0])
        return out

    def statistics(self, out=None):
        """int32 [num_envs, players, statistics]: the counters of the running episodes."""
        cdef int32_t[:, :, ::1] counters
        cdef int index
        if out is None:
            out = np.empty((self.num_envs, self.players, self.statistic_count), np.int32)
        counters = out
        if out.shape != (self.num_envs, self.players, self.statistic_count):
            raise ValueError(f"expected out like final_statistics, got shape {out.shape}")
        for index in range(self.num_envs):
            self.interface.statistics(self.state(index), &counters[index, 0, 0])
        return out

    def illegal_actions(self):
        """int32 [num_envs]: illegal actions played as action 0 in the running episodes."""
        cdef int index
        return np.array(
            [(<Header*>self.state(index)).illegal_actions for index in range(self.num_envs)],
            np.int32,
        )

    def snapshot(self, int index):
        """The state of env `index` as Python data for drawing; its keys are the game's own."""
        self._check_index(index)
        return self.game.snapshot(self.state(index))

    def _check_index(self, int index):
        if not 0 <= index < self.num_envs:
            raise IndexError(f"expected an env from 0 to {self.num_envs - 1}, got {index}")

    def _state_header(self):
        return json.dumps(
            [self.spec.name, self.spec.version, self.spec.layout_hash,
             int(self.interface.state_size)]
        ).encode()

    def save_state(self, int index):
        """Env `index` as bytes: everything its future depends on but the list of levels."""
        self._check_index(index)
        header = self._state_header()
        state = (<char*>self.state(index))[:self.interface.state_size]
        body = struct.pack("<I", len(header)) + header + state
        return STATE_MAGIC + body + struct.pack("<I", zlib.crc32(body))

    def load_state(self, int index, blob):
        """Put env `index` into a saved state; it goes on as the saved one would on these levels.

        Raises StateError for a blob of another game or version, or a damaged one; nothing changes.
        """
        self._check_index(index)
        try:
            blob = bytes(memoryview(blob))
        except TypeError as error:
            raise StateError(
                f"expected bytes made by save_state, got {type(blob).__name__}"
            ) from error
        header = self._state_header()
        size = len(STATE_MAGIC) + 4 + len(header) + self.interface.state_size + 4
        body = blob[len(STATE_MAGIC):len(blob) - 4]
        if not blob.startswith(STATE_MAGIC) or len(blob) < 16:
            raise StateError("expected bytes made by save_state")
        if body[4:4 + len(header)] != header or len(blob) != size:
            raise StateError(f"expected a state of {self.spec.name} version {self.spec.version} "
                             f"of {size} bytes, got another game, version or length")
        if struct.unpack("<I", blob[len(blob) - 4:])[0] != zlib.crc32(body):
            raise StateError("the saved state is damaged: its checksum does not fit")
        cdef bytes state = body[4 + len(header):]
        cdef const char* raw = state
        cdef void* copy = calloc(1, self.stride)
        if copy == NULL:
            raise MemoryError("no room for a state")
        try:
            memcpy(copy, raw, self.interface.state_size)
            if not self.interface.is_sound(copy):
                raise StateError("the saved state breaks the rules of the game")
            if not 0 <= (<Header*>copy).level_index < self.level_count:
                (<Header*>copy).level_index = 0
            memcpy(self.state(index), copy, self.interface.state_size)
        finally:
            free(copy)
        self.level_view[index] = (<Header*>self.state(index)).level_index
        self.observe(index)

    cdef void decide(self, ScriptedPlayer player, int seat, uint8_t* out) noexcept nogil:
        cdef int index
        for index in range(self.num_envs):
            out[index] = player.decide(self.state(index), seat)


cdef class Bot:
    """A scripted player of one game; draws from the streams of the envs it plays in."""

    cdef ScriptedPlayer player
    cdef readonly str name
    cdef readonly str game

    def __init__(self, ScriptedPlayer player, str game):
        self.player = player
        self.name = player.name
        self.game = game

    def act(self, BatchEnv batch not None, int seat, out=None):
        """Actions uint8 [num_envs] for `seat` in every env, written into `out`."""
        cdef uint8_t[::1] actions
        if batch.spec.name != self.game:
            raise ValueError(f"{self.name} plays {self.game}, not {batch.spec.name}")
        if not 0 <= seat < batch.players:
            raise ValueError(f"expected a seat from 0 to {batch.players - 1}, got {seat}")
        if out is None:
            out = np.empty(batch.num_envs, np.uint8)
        actions = out
        if actions.shape[0] != batch.num_envs:
            raise ValueError(f"expected out of {batch.num_envs} actions, got {actions.shape[0]}")
        with nogil:
            batch.decide(self.player, seat, &actions[0])
        return out
