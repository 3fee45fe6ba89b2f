"""Record play as it happens, so that at most a second of it can be lost.

Every event goes into a journal beside the output; `close` turns the journal into the npz. A
full disk does not reach the game: what could not be written is kept, counted and tried again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path
from time import monotonic
from types import TracebackType

import numpy as np

from engine_plugin.errors import OutputExistsError, TrajectoryError
from engine_plugin.files import refuse_existing
from engine_plugin.journal import (
    encode_abandon,
    encode_begin,
    encode_discard,
    encode_end,
    encode_header,
    encode_ticks,
    finish_recording,
    journal_path,
)
from engine_plugin.trajectory import (
    TrajectoryFile,
    TrajectoryHeader,
    concatenate,
    load_trajectories,
)

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LOG = logging.getLogger(__name__)


class DemonstrationRecorder:
    """Writes episodes to `path` (npz); a context manager that closes itself.

        with DemonstrationRecorder("demos/me.npz", header, append=True) as recorder:
            recorder.begin_episode(seed, level_tiles, batch.save_state(0))
            recorder.add(actions)              # once a tick, before or after the step
            recorder.end_episode((1, -1))

    append: add to a file of the same kind, and first recover what a crash left beside it
    force: replace a file that exists (when closed), and drop what a crash left beside it
    clock: seconds, for the flush once a `flush_seconds`

    errors: how many writes have failed so far; they are tried again

    Raises OutputExistsError where the file or a journal is there and neither append nor force
    is given, TrajectoryError where the file to add to is damaged or of another kind.
    """

    def __init__(
        self,
        path: str | Path,
        header: TrajectoryHeader,
        *,
        append: bool = False,
        force: bool = False,
        clock: Callable[[], float] = monotonic,
        flush_seconds: float = 1.0,
    ) -> None:
        self.path = Path(path)
        self.header = header
        self.errors = 0
        self._add = append
        self._clock = clock
        self._flush_seconds = flush_seconds
        self._flushed_at = clock()
        self._journal = journal_path(self.path)
        self._sizes: tuple[tuple[int, ...], int] | None = None
        self._prepare_output(force)
        self._file = self._open_journal()
        self._written = 0  # bytes of the journal that are whole
        self._pending = bytearray(encode_header(header))
        self._running = False
        self._closed = False
        self._episodes = 0
        self._actions: list[np.ndarray] = []
        self._observations: list[np.ndarray] = []
        self._masks: list[np.ndarray] = []
        self._ticks_running = 0
        self._flush()

    @property
    def recording(self) -> bool:
        """Whether an episode is running."""
        return self._running

    @property
    def episodes(self) -> int:
        """Ended episodes of this sitting that were not discarded."""
        return self._episodes

    def begin_episode(
        self, seed: int, level_tiles: np.ndarray | None = None, state: bytes = b""
    ) -> None:
        """Start an episode; one that is still running is kept as cut off.

        seed: unsigned 64 bit; level_tiles: integer ids [height, width], or None; state: what
        `batch.save_state` gives before the first tick. All episodes have the same sizes.
        """
        self._expect_open()
        level = np.zeros((0, 0), np.uint8) if level_tiles is None else np.asarray(level_tiles)
        if level.ndim != 2 or level.dtype.kind not in "ui" or max(level.shape) > 65535:
            raise TrajectoryError(
                f"level_tiles: expected integers [height, width], got {level.dtype} {level.shape}"
            )
        if not 0 <= seed < 1 << 64:
            raise TrajectoryError(f"seed: expected 0 to 2^64 - 1, got {seed}")
        sizes = (level.shape, len(state))
        if self._sizes not in (None, sizes):
            raise TrajectoryError(
                f"expected a level and a state of the same sizes as before, {self._sizes}, "
                f"got {sizes}; record them in another file"
            )
        if self._running:
            self.end_episode((0,) * len(self.header.players), terminated=False)
        self._sizes = sizes
        self._pending += encode_begin(int(seed), level.astype(np.uint8), state)
        self._running = True
        self._ticks_running = 0

    def add(
        self,
        actions: np.ndarray | Sequence[int],
        observation: np.ndarray | None = None,
        mask: np.ndarray | None = None,
    ) -> None:
        """Add one tick.

        actions: integers [players]; observation [players, values] and mask [players, actions]
        as they were before the actions, where the header says that they are stored (one player:
        the leading axis may be left out)
        """
        self._expect_running()
        players = len(self.header.players)
        chosen = np.asarray(actions)
        if (
            chosen.shape != (players,)
            or chosen.dtype.kind not in "ui"
            or int(chosen.min()) < 0
            or int(chosen.max()) >= self.header.actions
        ):
            raise TrajectoryError(
                f"actions: expected {players} integers from 0 to {self.header.actions - 1}, "
                f"got {actions!r}"
            )
        if self.header.stores_observations:
            seen = self._rows("observation", observation, self.header.observation_size)
            if seen.dtype != self.header.observation_type or not np.isfinite(seen).all():
                raise TrajectoryError(
                    f"observation: expected finite {self.header.observation_type}, got {seen.dtype}"
                )
            legal = self._rows("mask", mask, self.header.actions)
            self._observations.append(seen.copy())
            self._masks.append((legal != 0).astype(np.uint8))
        elif observation is not None or mask is not None:
            raise TrajectoryError(
                "got an observation or mask, but the header stores none; "
                "set observation_type and observation_size in the header"
            )
        self._actions.append(chosen.astype(np.uint8))
        self._ticks_running += 1
        if self._clock() - self._flushed_at >= self._flush_seconds:
            self._flush()

    def end_episode(self, result: Sequence[int], *, terminated: bool = True) -> None:
        """End the episode: result is +1, 0 or -1 per player; one without ticks is dropped."""
        self._expect_running()
        outcome = tuple(int(value) for value in result)
        if len(outcome) != len(self.header.players) or not set(outcome) <= {-1, 0, 1}:
            raise TrajectoryError(
                f"result: expected -1, 0 or 1 for each of {len(self.header.players)} players, "
                f"got {result!r}"
            )
        if not self._ticks_running:
            self.abandon_episode()
            return
        self._encode_ticks()
        self._pending += encode_end(terminated, outcome)
        self._running = False
        self._episodes += 1
        self._flush()

    def abandon_episode(self) -> None:
        """Drop the episode that is running."""
        self._expect_running()
        self._clear_ticks()
        self._pending += encode_abandon()
        self._running = False

    def discard_last(self) -> bool:
        """Withdraw the last ended episode of this sitting; False where there is none.

        An episode that is running stays; `abandon_episode` drops that.
        """
        self._expect_open()
        if not self._episodes:
            return False
        if self._running:
            self._encode_ticks()
        self._pending += encode_discard()
        self._episodes -= 1
        self._flush()
        return True

    def close(self) -> TrajectoryFile | None:
        """Write the npz and remove the journal; returns what the npz holds, None if nothing.

        An episode that is running is kept as cut off. Raises TrajectoryError where the disk
        refuses; the journal stays, so that `close` can be called again or the journal recovered.
        """
        if self._closed:
            return None
        if self._running:
            self.end_episode((0,) * len(self.header.players), terminated=False)
        self._flush()
        if self._pending:
            raise TrajectoryError(
                f"cannot write {self._journal}: the disk refuses; free space and close again"
            )
        try:
            if not self._file.closed:
                os.fsync(self._file.fileno())
                self._file.close()
            result = finish_recording(self.path, add=self._add)
        except OSError as error:
            raise TrajectoryError(
                f"cannot write {self.path}: {error.strerror or error}; free space and close again, "
                f"or recover {self._journal} later"
            ) from error
        self._closed = True
        return result

    def __enter__(self) -> DemonstrationRecorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _prepare_output(self, force: bool) -> None:
        if self._journal.exists() and _in_use(self._journal):
            raise OutputExistsError(
                f"another recording to {self.path} is running; choose another name"
            )
        if not self._add:
            refuse_existing(self.path, force)
            if self._journal.exists() and not force:
                raise OutputExistsError(
                    f"a recording that was cut off lies in {self._journal}; record with append "
                    "to keep it, or with force to drop it"
                )
            self._journal.unlink(missing_ok=True)
            return
        if self._journal.exists():
            finish_recording(self.path)
        if self.path.exists():
            existing = load_trajectories(self.path)
            concatenate([existing, TrajectoryFile(self.header, ())])
            first = existing.episodes[0]
            self._sizes = (first.level.shape, len(first.state))

    def _open_journal(self) -> FileIO:
        try:
            self._journal.parent.mkdir(parents=True, exist_ok=True)
            file = FileIO(self._journal, "x")
        except OSError as error:
            raise TrajectoryError(
                f"cannot record to {self.path}: {error.strerror or error}; choose another place"
            ) from error
        _lock(file)
        return file

    def _flush(self) -> None:
        """Hand everything to the system; what fails stays pending."""
        if self._running:
            self._encode_ticks()
        self._flushed_at = self._clock()
        if not self._pending:
            return
        data, sent = bytes(self._pending), 0
        try:
            # Always from the last whole byte, so that a part of a failed write is overwritten.
            self._file.seek(self._written)
            while sent < len(data):
                sent += self._file.write(data[sent:])
        except OSError as error:
            self.errors += 1
            if self.errors == 1:
                _LOG.warning("cannot write %s, it is tried again: %s", self._journal, error)
            return
        self._written += len(data)
        self._pending.clear()

    def _encode_ticks(self) -> None:
        if self._actions:
            self._pending += encode_ticks(self._actions, self._observations, self._masks)
        self._clear_ticks()

    def _clear_ticks(self) -> None:
        self._actions.clear()
        self._observations.clear()
        self._masks.clear()

    def _rows(self, name: str, values: np.ndarray | None, width: int) -> np.ndarray:
        """values as [players, width]."""
        expected = (len(self.header.players), width)
        array = np.asarray(values)
        if array.shape == (width,) and expected[0] == 1:
            array = array[None]
        if values is None or array.shape != expected:
            raise TrajectoryError(f"{name}: expected shape {expected}, got {array.shape}")
        return array

    def _expect_open(self) -> None:
        if self._closed or self._file.closed:
            raise TrajectoryError(f"the recording to {self.path} is closed; open a new one")

    def _expect_running(self) -> None:
        self._expect_open()
        if not self._running:
            raise TrajectoryError("no episode is running; call begin_episode first")


def _lock(file: FileIO) -> bool:
    """Hold the file for this process until it closes; False where another holds it.

    Without such locks (Windows) an open file cannot be removed by others, which serves as well.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def recover_recording(path: str | Path) -> bool:
    """Take over what a sitting that was cut off left beside `path`; False where nothing was, or
    where the sitting goes on. Raises TrajectoryError, OSError."""
    journal = journal_path(path)
    if not journal.exists() or _in_use(journal):
        return False
    finish_recording(path)
    return True


def _in_use(journal: Path) -> bool:
    with FileIO(journal, "r") as file:
        return not _lock(file)
