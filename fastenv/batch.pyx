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

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.stdint cimport int32_t, uint8_t, uint64_t
from libc.string cimport memcpy, strchr, strcmp

from fastenv.games.game cimport (
    MAX_PLAYERS, RUNNING, TERMINATED, TRUNCATED, CompiledGame, Decide, GameInterface, Header,
    ScriptedPlayer,
)
from fastenv.games.rng cimport draw_below, stream_of
from fastenv.workers cimport Workers

cdef enum:
    ALIGNMENT = 64
    STREAM_OF_ENV = 0
    STREAM_OF_SEAT = 1
    MOST_THREADS = 256

STATE_MAGIC = b"fastenv1"


# What the loop over the envs needs: the batch's memory as plain pointers.
ctypedef struct Tables:
    GameInterface* interface
    uint8_t* states
    size_t stride
    int players, actions, observation_size, statistic_count
    bint autoreset
    const uint8_t* starts           # states at the start of an episode on each level
    int level_count
    uint8_t* observations
    uint8_t* legal
    float* rewards
    uint8_t* terminated
    uint8_t* truncated
    uint8_t* final_observations
    uint8_t* final_legal
    int32_t* final_statistics
    int32_t* level_index
    const uint8_t* chosen           # actions of the step under way


cdef inline void* state_of(const Tables* tables, int index) noexcept nogil:
    return tables.states + index * tables.stride


cdef void start_episode(const Tables* tables, int index) noexcept nogil:
    cdef Header* header = <Header*>state_of(tables, index)
    cdef int level = draw_below(&header.stream, tables.level_count)
    cdef const uint8_t* start = tables.starts + level * tables.stride
    memcpy(header + 1, start + sizeof(Header), tables.stride - sizeof(Header))
    header.level_index = level
    header.illegal_actions = 0
    tables.level_index[index] = level
    if tables.interface.vary != NULL:
        tables.interface.vary(<void*>header)


cdef void seed_streams(Header* header, uint64_t seed, int number) noexcept nogil:
    """Put an env on the streams that env `number` of a batch has from this seed."""
    cdef int seat
    header.stream = stream_of(seed, number, STREAM_OF_ENV)
    for seat in range(MAX_PLAYERS):
        header.seat_streams[seat] = stream_of(seed, number, STREAM_OF_SEAT + seat)


cdef inline void observe(const Tables* tables, int index) noexcept nogil:
    cdef size_t seat = <size_t>index * tables.players
    tables.interface.observe(
        state_of(tables, index),
        tables.observations + seat * tables.observation_size,
        tables.legal + seat * tables.actions,
    )


cdef void end_episode(const Tables* tables, int index) noexcept nogil:
    cdef size_t seat = <size_t>index * tables.players
    cdef void* state = state_of(tables, index)
    tables.interface.observe(
        state,
        tables.final_observations + seat * tables.observation_size,
        tables.final_legal + seat * tables.actions,
    )
    tables.interface.statistics(state, tables.final_statistics + seat * tables.statistic_count)
    if tables.autoreset:
        start_episode(tables, index)


cdef void step_envs(const void* context, int first, int end) noexcept nogil:
    cdef const Tables* tables = <const Tables*>context
    cdef int index, outcome
    cdef size_t seat
    for index in range(first, end):
        seat = <size_t>index * tables.players
        outcome = tables.interface.step(
            state_of(tables, index), tables.chosen + seat, tables.rewards + seat
        )
        tables.terminated[index] = outcome == TERMINATED
        tables.truncated[index] = outcome == TRUNCATED
        if outcome != RUNNING:
            end_episode(tables, index)
        observe(tables, index)


ctypedef struct ResetTask:
    const Tables* tables
    const uint8_t* chosen       # bool [num_envs]
    const uint64_t* seeds       # [num_envs]; NULL: each goes on with its streams


cdef void reset_chosen(const void* context, int first, int end) noexcept nogil:
    cdef const ResetTask* task = <const ResetTask*>context
    cdef const Tables* tables = task.tables
    cdef int index, seat
    for index in range(first, end):
        if not task.chosen[index]:
            continue
        if task.seeds != NULL:
            seed_streams(<Header*>state_of(tables, index), task.seeds[index], 0)
        start_episode(tables, index)
        observe(tables, index)
        tables.terminated[index] = False
        tables.truncated[index] = False
        for seat in range(tables.players):
            tables.rewards[<size_t>index * tables.players + seat] = 0


ctypedef struct MaskTask:
    const Tables* tables
    int caution
    uint8_t* masks


cdef void survivable_masks(const void* context, int first, int end) noexcept nogil:
    cdef const MaskTask* task = <const MaskTask*>context
    cdef size_t size = task.tables.players * task.tables.actions
    cdef int index
    for index in range(first, end):
        task.tables.interface.survivable(
            state_of(task.tables, index), task.caution, task.masks + index * size
        )


ctypedef struct DecisionTask:
    const Tables* tables
    Decide decide
    int seat
    const uint8_t* where        # bool [num_envs]; NULL: in all
    uint8_t* actions


cdef void decisions(const void* context, int first, int end) noexcept nogil:
    cdef const DecisionTask* task = <const DecisionTask*>context
    cdef int index
    for index in range(first, end):
        if task.where == NULL or task.where[index]:
            task.actions[index] = task.decide(state_of(task.tables, index), task.seat)


cdef void* data_of(array) except NULL:
    """Where a NumPy array's data lie."""
    return <void*><size_t>array.ctypes.data


def _aligned_bytes(size):
    """Zeros uint8 [size] that begin on a cache line. From NumPy, which asks the system to put large
    arrays into large pages."""
    array = np.zeros(size + ALIGNMENT, np.uint8)
    first = -array.ctypes.data % ALIGNMENT
    return array[first:first + size]


cdef int take_bytes(object array, int axes, int flags, Py_buffer* buffer) except -1:
    """Get the buffer of C-contiguous uint8 that `array` is; to be released. ValueError if it is none.

    Typed memoryviews do not ask so closely: they take bools, characters and structs of one byte.
    """
    cdef const char* item
    try:
        PyObject_GetBuffer(array, buffer, flags | PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    except (BufferError, TypeError, ValueError) as error:
        raise ValueError(f"expected C-contiguous uint8, got {described(array)}") from error
    item = buffer.format
    if item != NULL and item[0] and strchr(b"@=<>!", item[0]) != NULL:
        item += 1       # a byte has no byte order
    if buffer.ndim != axes or (item != NULL and strcmp(item, b"B") != 0):
        PyBuffer_Release(buffer)
        raise ValueError(f"expected uint8 of {axes} axes, got {described(array)}")
    return 0


def checked_seed(seed):
    if not 0 <= int(seed) < 2**64:
        raise ValueError(f"expected a seed from 0 to 2**64 - 1, got {seed}")
    return int(seed)


def described(array):
    """Dtype and shape, or the type of what has none."""
    dtype, shape = getattr(array, "dtype", type(array).__name__), getattr(array, "shape", ())
    return f"{dtype} {list(shape)}"


cdef class BatchEnv:
    """N running games of one kind; see `fastenv.make_batch`.

    Buffers (NumPy arrays, overwritten by `step` and the resets):
        observations        uint8 [num_envs, players, observation_size]
        legal_mask          uint8 [num_envs, players, actions]
        rewards             float32 [num_envs, players]
        terminated          bool [num_envs], ended by the rules in this step
        truncated           bool [num_envs], cut by a limit in this step
        final_observations  uint8 like observations; rows of envs that ended in this step
        final_legal_mask    uint8 like legal_mask; likewise
        final_statistics    int32 [num_envs, players, statistics]; likewise
        level_index         int32 [num_envs], which of `levels` the running episode started on
    """

    cdef CompiledGame game
    cdef Tables tables
    cdef Workers workers
    cdef object states, starts      # the memory of `tables.states` and `tables.starts`
    cdef readonly int num_envs
    cdef readonly int players
    cdef readonly bint autoreset
    cdef readonly int threads
    cdef readonly list levels
    cdef readonly object spec
    cdef readonly object observations, legal_mask, rewards, terminated, truncated
    cdef readonly object final_observations, final_legal_mask, final_statistics, level_index

    def __cinit__(self, CompiledGame game, int num_envs, object seed, list levels, bint autoreset,
                  int threads=1):
        spec = game.spec
        if num_envs < 1:
            raise ValueError(f"expected at least one env, got {num_envs}")
        if not 1 <= threads <= MOST_THREADS:
            raise ValueError(f"expected 1 to {MOST_THREADS} threads, got {threads}")
        if not levels:
            raise LevelError("expected at least one level, got none")
        cdef Tables* tables = &self.tables
        self.game = game
        self.spec = spec
        self.num_envs = num_envs
        self.players = spec.players
        self.autoreset = autoreset
        self.threads = threads
        self.workers = Workers(threads - 1)
        tables.interface = &game.interface
        tables.players = spec.players
        tables.actions = len(spec.actions)
        tables.observation_size = spec.observation_size
        tables.statistic_count = len(spec.statistics)
        tables.autoreset = autoreset
        size = tables.interface.state_size + tables.interface.derived_size
        tables.stride = (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        self.states = _aligned_bytes(num_envs * tables.stride)
        tables.states = <uint8_t*>data_of(self.states)
        self.set_levels(levels)
        shape = (num_envs, self.players)
        self.observations = np.zeros((*shape, tables.observation_size), np.uint8)
        self.final_observations = np.zeros_like(self.observations)
        self.legal_mask = np.zeros((*shape, tables.actions), np.uint8)
        self.final_legal_mask = np.zeros_like(self.legal_mask)
        self.rewards = np.zeros(shape, np.float32)
        self.terminated = np.zeros(num_envs, bool)
        self.truncated = np.zeros(num_envs, bool)
        self.final_statistics = np.zeros((*shape, tables.statistic_count), np.int32)
        self.level_index = np.zeros(num_envs, np.int32)
        tables.observations = <uint8_t*>data_of(self.observations)
        tables.final_observations = <uint8_t*>data_of(self.final_observations)
        tables.legal = <uint8_t*>data_of(self.legal_mask)
        tables.final_legal = <uint8_t*>data_of(self.final_legal_mask)
        tables.rewards = <float*>data_of(self.rewards)
        tables.terminated = <uint8_t*>data_of(self.terminated)
        tables.truncated = <uint8_t*>data_of(self.truncated)
        tables.final_statistics = <int32_t*>data_of(self.final_statistics)
        tables.level_index = <int32_t*>data_of(self.level_index)
        self.reset(seed)

    def set_levels(self, levels):
        """Let the following episodes start on these levels (a non-empty list of `Level`); the
        `level_index` of running ones still counts in the old list.

        Raises LevelError for one that the game cannot start from; nothing changes.
        """
        if not levels:
            raise LevelError("expected at least one level, got none")
        # A Level can be built without its checks, and the rules rely on the border and the spawns.
        tiles = np.stack([Level.from_tiles(level.tiles, self.spec).tiles for level in levels])
        cdef const uint8_t[:, ::1] rows = np.ascontiguousarray(tiles.reshape(len(levels), -1))
        starts = _aligned_bytes(len(levels) * self.tables.stride)
        cdef uint8_t* start = <uint8_t*>data_of(starts)
        cdef int index
        for index in range(len(levels)):
            self.tables.interface.set_up(start + index * self.tables.stride, &rows[index, 0])
        self.levels = list(levels)
        self.starts = starts
        self.tables.starts = start
        self.tables.level_count = len(levels)

    cdef inline void* state(self, int index) noexcept nogil:
        return state_of(&self.tables, index)

    def reset(self, seed=None):
        """Start all envs anew: from `seed` (0 to 2**64 - 1), or, without one, each on its streams.

        Raises ValueError for a seed out of range.
        """
        cdef uint64_t base = 0 if seed is None else checked_seed(seed)
        cdef int index
        for index in range(self.num_envs):
            if seed is not None:
                seed_streams(<Header*>self.state(index), base, index)
            start_episode(&self.tables, index)
            observe(&self.tables, index)
        self.rewards[...] = 0
        self.terminated[...] = False
        self.truncated[...] = False

    def reset_env(self, int index, seed=None):
        """Start env `index` anew, and no other; see `reset_envs`."""
        self._check_index(index)
        mask = np.zeros(self.num_envs, bool)
        mask[index] = True
        seeds = None if seed is None else np.full(self.num_envs, checked_seed(seed), np.uint64)
        self.reset_envs(mask, seeds)

    def reset_envs(self, mask, seeds=None):
        """Start the envs of a mask anew; nothing of the others is touched.

        mask: bool [num_envs]
        seeds: uint64 [num_envs], read where the mask is set: there an env plays as the only env of
            a batch does after `reset(seed)`, in whatever place it is. Without them each starts the
            next episode of its own streams.

        Their rewards and ends become 0; what their last episodes ended with is left as it is.
        Raises ValueError before anything moves.
        """
        cdef const uint8_t[::1] chosen = self._checked(mask, np.bool_, "a mask")
        cdef const uint64_t[::1] starts
        cdef ResetTask task
        task.tables = &self.tables
        task.chosen = &chosen[0]
        task.seeds = NULL
        if seeds is not None:
            starts = self._checked(seeds, np.uint64, "seeds")
            task.seeds = &starts[0]
        with nogil:
            self.workers.run(reset_chosen, &task, self.num_envs)

    def _checked(self, array, dtype, what):
        """A C-contiguous array [num_envs] of this dtype, from one that is such."""
        if getattr(array, "dtype", None) != dtype or array.shape != (self.num_envs,):
            raise ValueError(
                f"expected {what} of {np.dtype(dtype)} [{self.num_envs}], got {described(array)}"
            )
        return np.ascontiguousarray(array)

    def step(self, actions):
        """Play one tick in every env.

        actions: C-contiguous uint8 [num_envs, players], each below the number of actions: a NumPy
            array or another buffer of that type, read-only too. No other type is cast, bool
            neither. An illegal action is played as action 0 and counted (`illegal_actions`).

        Raises ActionError before anything moves.
        """
        cdef Py_buffer chosen
        self._take_actions(actions, &chosen)
        self.tables.chosen = <const uint8_t*>chosen.buf
        with nogil:
            self.workers.run(step_envs, &self.tables, self.num_envs)
        PyBuffer_Release(&chosen)

    cdef int _take_actions(self, actions, Py_buffer* buffer) except -1:
        """Get the buffer of actions, all of them in range; to be released. Raises ActionError."""
        cdef Py_ssize_t index, total = <Py_ssize_t>self.num_envs * self.players
        cdef uint8_t highest = 0
        cdef const uint8_t* flat
        try:
            take_bytes(actions, 2, 0, buffer)
        except ValueError as error:
            raise self._wrong_actions(actions) from error
        if buffer.shape[0] != self.num_envs or buffer.shape[1] != self.players:
            PyBuffer_Release(buffer)
            raise self._wrong_actions(actions)
        flat = <const uint8_t*>buffer.buf
        with nogil:
            for index in range(total):
                highest = max(highest, flat[index])
        if highest >= self.tables.actions:
            PyBuffer_Release(buffer)
            raise ActionError(
                f"expected actions below {self.tables.actions}, got {highest}"
            )
        return 0

    def _wrong_actions(self, actions):
        return ActionError(
            f"expected C-contiguous uint8 [{self.num_envs}, {self.players}] actions, "
            f"got {described(actions)}"
        )

    def survivable_mask(self, out=None, int caution=0):
        """uint8 [num_envs, players, actions]: legal actions after which some way of moving and
        waiting outlives everything now due, if nothing more is laid and the others stand still.
        Written into `out`.

        caution: with 1 or more, wherever the others walk in so many ticks; where no action
        survives that, for as many ticks fewer as leaves one. Raises ValueError below 0.
        """
        cdef Py_buffer masks
        cdef MaskTask task
        shape = (self.num_envs, self.players, self.tables.actions)
        if caution < 0:
            raise ValueError(f"expected a caution of at least 0, got {caution}")
        if out is None:
            out = np.empty(shape, np.uint8)
        elif out.shape != shape:
            raise ValueError(f"expected out of shape {shape}, got {out.shape}")
        take_bytes(out, 3, PyBUF_WRITABLE, &masks)
        task.tables = &self.tables
        task.caution = caution
        task.masks = <uint8_t*>masks.buf
        with nogil:
            self.workers.run(survivable_masks, &task, self.num_envs)
        PyBuffer_Release(&masks)
        return out

    def statistics(self, out=None):
        """int32 [num_envs, players, statistics]: the counters of the running episodes."""
        cdef int32_t[:, :, ::1] counters
        cdef int index
        if out is None:
            out = np.empty((self.num_envs, self.players, self.tables.statistic_count), np.int32)
        counters = out
        if out.shape != (self.num_envs, self.players, self.tables.statistic_count):
            raise ValueError(f"expected out like final_statistics, got shape {out.shape}")
        for index in range(self.num_envs):
            self.tables.interface.statistics(self.state(index), &counters[index, 0, 0])
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
             int(self.tables.interface.state_size)]
        ).encode()

    def save_state(self, int index):
        """Env `index` as bytes: everything its future depends on but the list of levels."""
        self._check_index(index)
        header = self._state_header()
        state = (<char*>self.state(index))[:self.tables.interface.state_size]
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
        size = len(STATE_MAGIC) + 4 + len(header) + self.tables.interface.state_size + 4
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
        room = _aligned_bytes(self.tables.stride)
        cdef void* copy = data_of(room)
        memcpy(copy, raw, self.tables.interface.state_size)
        if not self.tables.interface.is_sound(copy):
            raise StateError("the saved state breaks the rules of the game")
        if not 0 <= (<Header*>copy).level_index < self.tables.level_count:
            (<Header*>copy).level_index = 0
        if self.tables.interface.derive != NULL:
            self.tables.interface.derive(copy)
        memcpy(self.state(index), copy, self.tables.stride)
        self.tables.level_index[index] = (<Header*>self.state(index)).level_index
        observe(&self.tables, index)


cdef class Bot:
    """A scripted player of one game; draws from the streams of the envs it plays in."""

    cdef ScriptedPlayer player
    cdef readonly str name
    cdef readonly str game

    def __init__(self, ScriptedPlayer player, str game):
        self.player = player
        self.name = player.name
        self.game = game

    def act(self, BatchEnv batch not None, int seat, out=None, where=None):
        """Actions uint8 [num_envs] for `seat` in every env, written into `out`.

        where: bool [num_envs], the envs to decide in; in the others no stream is drawn from, and
            `out` keeps what it holds, or holds 0 if none was given
        """
        cdef Py_buffer actions
        cdef const uint8_t[::1] chosen
        cdef DecisionTask task
        if batch.spec.name != self.game:
            raise ValueError(f"{self.name} plays {self.game}, not {batch.spec.name}")
        if not 0 <= seat < batch.players:
            raise ValueError(f"expected a seat from 0 to {batch.players - 1}, got {seat}")
        task.where = NULL
        if where is not None:
            chosen = batch._checked(where, np.bool_, "where")
            task.where = &chosen[0]
        if out is None:
            out = np.zeros(batch.num_envs, np.uint8)
        take_bytes(out, 1, PyBUF_WRITABLE, &actions)
        if actions.shape[0] != batch.num_envs:
            PyBuffer_Release(&actions)
            raise ValueError(f"expected out of {batch.num_envs} actions, got {len(out)}")
        task.tables = &batch.tables
        task.decide = self.player.decide
        task.seat = seat
        task.actions = <uint8_t*>actions.buf
        with nogil:
            batch.workers.run(decisions, &task, batch.num_envs)
        PyBuffer_Release(&actions)
        return out
