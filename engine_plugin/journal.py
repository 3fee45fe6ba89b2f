"""The journal of a recording: an append-only file that a crash can only shorten.

It starts with `MAGIC`; then come records of a length (uint32), a CRC-32 of the payload (uint32),
both little-endian, and the payload, whose first byte is its kind:

    H  header     JSON of a `TrajectoryHeader`
    B  begin      seed uint64, height uint16, width uint16, level bytes, state bytes
    T  ticks      count uint32, actions, and where stored the observations and masks
    E  end        terminated uint8, result int8 per player
    D  discard    the last ended episode is withdrawn
    A  abandon    the episode that is running is withdrawn

A record whose length or checksum does not fit ends the journal: it was being written when the
recording died. An episode without its end is kept as one that was cut off.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine_plugin.errors import TrajectoryError
from engine_plugin.files import read_regular_file
from engine_plugin.trajectory import (
    MAX_UNPACKED_BYTES,
    Episode,
    TrajectoryFile,
    TrajectoryHeader,
    concatenate,
    load_trajectories,
)

MAGIC = b"engine_plugin journal 1\n"

_PREFIX = struct.Struct("<II")
_BEGIN = struct.Struct("<QHH")
_COUNT = struct.Struct("<I")


class EmptyJournalError(TrajectoryError):
    """A journal that died before its header was written: there is nothing to recover."""


def journal_path(path: str | Path) -> Path:
    """Where the journal of a recording to `path` lies: beside it, with `.journal` appended."""
    path = Path(path)
    return path.with_name(path.name + ".journal")


def recover_journal(path: str | Path) -> TrajectoryFile:
    """The episodes in a journal, up to the last whole record; the file is left as it is.

    Raises TrajectoryError where it is missing, not a journal, or without a header.
    """
    data = read_regular_file(
        path, limit=MAX_UNPACKED_BYTES, missing=TrajectoryError, refused=TrajectoryError
    )
    try:
        return parse_journal(data)
    except TrajectoryError as error:
        raise type(error)(f"{path}: {error}") from error


def finish_recording(path: str | Path, *, add: bool = True) -> TrajectoryFile | None:
    """Turn the journal beside `path` into the npz.

    add: join it to the file that is there already; False replaces that file

    Returns what then stands in `path`, or None where nothing was ever recorded. The journal is
    removed last, and a sitting that the npz holds already is not added again, so a crash at any
    moment loses and doubles nothing. Raises TrajectoryError, or OSError (a full disk).
    """
    path, journal = Path(path), journal_path(path)
    existing = load_trajectories(path) if add and path.exists() else None
    result = existing
    try:
        recovered = recover_journal(journal)
    except EmptyJournalError:
        recovered = None
    if recovered is not None and recovered.episodes:
        if existing is None:
            result = recovered
        elif recovered.header.recordings[0] not in existing.header.recordings:
            result = concatenate([existing, recovered])
        if result is not None and result is not existing:
            result.save_npz(path)
    journal.unlink()
    return result


def parse_journal(data: bytes) -> TrajectoryFile:
    """As `recover_journal`, from the bytes."""
    if not data.startswith(MAGIC) and not MAGIC.startswith(data):
        raise TrajectoryError("expected a recording's journal, got another file")
    header: TrajectoryHeader | None = None
    finished: list[Episode] = []
    running: _Running | None = None
    whole = len(MAGIC)
    for kind, payload, stop in _records(data):
        whole = stop
        if header is None and kind == b"H":
            header = TrajectoryHeader.from_json(bytes(payload))
        elif header is None:
            raise TrajectoryError(f"the journal is damaged: it starts with a record {kind!r}")
        elif kind == b"B" and running is None:
            running = _Running.from_payload(payload)
        elif kind == b"T" and running is not None:
            running.add(payload, header)
        elif kind == b"E" and running is not None:
            finished += running.episodes(header, payload)
            running = None
        elif kind == b"A" and running is not None:
            running = None
        elif kind == b"D" and finished:
            finished.pop()
        else:
            raise TrajectoryError(f"the journal is damaged: a record {kind!r} out of place")
    if header is None:
        raise EmptyJournalError("the journal holds no header: nothing was recorded in it")
    if running is not None:
        finished += running.episodes(header, None)
    sitting = hashlib.sha256(data[:whole]).hexdigest()[:16]
    return TrajectoryFile(replace(header, recordings=(sitting,)), tuple(finished))


def encode_header(header: TrajectoryHeader) -> bytes:
    """The start of a journal."""
    return MAGIC + _record(b"H" + header.to_json().encode())


def encode_begin(seed: int, level: np.ndarray, state: bytes) -> bytes:
    """level: uint8 [height, width]."""
    return _record(b"B" + _BEGIN.pack(seed, *level.shape) + level.tobytes() + state)


def encode_ticks(
    actions: list[np.ndarray], observations: list[np.ndarray], masks: list[np.ndarray]
) -> bytes:
    """One entry a tick; the last two are empty where no observations are stored."""
    blocks = [b"T", _COUNT.pack(len(actions))]
    blocks += [np.stack(rows).tobytes() for rows in (actions, observations, masks) if rows]
    return _record(b"".join(blocks))


def encode_end(terminated: bool, result: tuple[int, ...]) -> bytes:
    return _record(b"E" + struct.pack(f"<B{len(result)}b", terminated, *result))


def encode_discard() -> bytes:
    return _record(b"D")


def encode_abandon() -> bytes:
    return _record(b"A")


@dataclass
class _Running:
    """The episode whose end has not been read yet."""

    seed: int
    level: np.ndarray
    state: bytes
    blocks: dict[str, list[np.ndarray]] = field(default_factory=dict)

    @classmethod
    def from_payload(cls, payload: memoryview) -> _Running:
        if len(payload) < _BEGIN.size:
            raise TrajectoryError("the journal is damaged: a short begin record")
        seed, height, width = _BEGIN.unpack_from(payload)
        stop = _BEGIN.size + height * width
        if stop > len(payload):
            raise TrajectoryError("the journal is damaged: a level cut short")
        level = np.frombuffer(payload[_BEGIN.size : stop], np.uint8).reshape(height, width)
        return cls(seed, level, bytes(payload[stop:]))

    def add(self, payload: memoryview, header: TrajectoryHeader) -> None:
        """Read a block of ticks; its size must be just what the header calls for."""
        if len(payload) < _COUNT.size:
            raise TrajectoryError("the journal is damaged: a short tick record")
        (count,) = _COUNT.unpack_from(payload)
        players, position = len(header.players), _COUNT.size
        layout: list[tuple[str, str, tuple[int, ...]]] = [("actions", "uint8", ())]
        if header.stores_observations:
            layout.append(("observations", header.observation_type, (header.observation_size,)))
            layout.append(("masks", "uint8", (header.actions,)))
        for name, dtype, shape in layout:
            values = count * players * int(np.prod(shape, dtype=np.int64))
            stop = position + values * np.dtype(dtype).itemsize
            if stop > len(payload):
                raise TrajectoryError(f"the journal is damaged: {name} cut short")
            block: np.ndarray = np.frombuffer(payload[position:stop], dtype)
            self.blocks.setdefault(name, []).append(block.reshape(count, players, *shape))
            position = stop
        if position != len(payload):
            raise TrajectoryError("the journal is damaged: a tick record of another layout")

    def episodes(self, header: TrajectoryHeader, end: memoryview | None) -> list[Episode]:
        """The episode, in a list that is empty where it had no tick. end: the E payload."""
        if not self.blocks:
            return []
        players = len(header.players)
        terminated, result = False, (0,) * players
        if end is not None:
            if len(end) != 1 + players:
                raise TrajectoryError("the journal is damaged: an end of another player count")
            flag, *values = struct.unpack(f"<B{players}b", end)
            terminated, result = bool(flag), tuple(values)
        columns: dict[str, Any] = {
            name: np.concatenate(blocks) for name, blocks in self.blocks.items()
        }
        return [
            Episode(
                seed=self.seed,
                level=self.level,
                state=self.state,
                result=result,
                terminated=terminated,
                **columns,
            )
        ]


def _record(payload: bytes) -> bytes:
    return _PREFIX.pack(len(payload), zlib.crc32(payload)) + payload


def _records(data: bytes) -> Iterator[tuple[bytes, memoryview, int]]:
    """(kind, payload after it, position behind the record) until the tail is torn."""
    view, position = memoryview(data), len(MAGIC)
    while position + _PREFIX.size <= len(view):
        size, checksum = _PREFIX.unpack_from(view, position)
        stop = position + _PREFIX.size + size
        payload = view[position + _PREFIX.size : stop]
        if size == 0 or stop > len(view) or zlib.crc32(payload) != checksum:
            return
        yield bytes(payload[:1]), payload[1:], stop
        position = stop
