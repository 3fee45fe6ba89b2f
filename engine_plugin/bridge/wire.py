"""What a game's process and the learner say to each other, over two pipes.

The game sends messages: kind (1 byte), length of what follows (uint32), and that:

    H  hello        JSON: seat, fields, actions, every, whether it restarts itself
    O  observation  seat uint8, flags uint8, frame uint32, reward float32, values float32 [n]
    E  error        JSON: text, frame, traceback; the last message

The learner answers an observation that is not the end of an episode by one byte, the action, or
STOP. All little-endian; no message depends on the one before, and nothing in them is code.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine_plugin.errors import GameLoopError

HELLO, OBSERVATION, ERROR = b"H", b"O", b"E"
STOP = 255
FIRST, TERMINATED, TRUNCATED = 1, 2, 4
MOST_BYTES = 1 << 24

_PREFIX = struct.Struct("<cI")
_SEEN = struct.Struct("<BBIf")


@dataclass(frozen=True)
class Seen:
    """One observation on its way to the learner.

    seat: 0 the one that learns, 1 and up the others in the loop
    frame: of the game's run, not of the episode
    reward: what was paid since the seat's last observation
    values: float32 [n]
    first: begins an episode; nothing was paid before
    terminated, truncated: ends it; no answer is awaited
    """

    seat: int
    frame: int
    reward: float
    values: np.ndarray
    first: bool = False
    terminated: bool = False
    truncated: bool = False


class GameEnd:
    """The game's end of the pipes.

    before_first: called once, before anything is said
    """

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self.before_first: Callable[[], None] | None = None

    @property
    def pipes(self) -> tuple[int, int]:
        """File numbers to read from and to write to."""
        return self._reader, self._writer

    def say(self, kind: bytes, facts: dict[str, Any]) -> None:
        """Send a hello or an error."""
        self._send(kind, json.dumps(facts).encode())

    def show(self, seen: Seen) -> None:
        flags = FIRST * seen.first | TERMINATED * seen.terminated | TRUNCATED * seen.truncated
        head = _SEEN.pack(seen.seat, flags, seen.frame, seen.reward)
        self._send(OBSERVATION, head + seen.values.tobytes())

    def answer(self) -> int:
        """The learner's action, or STOP; also where the learner is gone."""
        answered = os.read(self._reader, 1)
        return answered[0] if answered else STOP

    def _send(self, kind: bytes, payload: bytes) -> None:
        if self.before_first is not None:
            wait, self.before_first = self.before_first, None
            wait()
        data = memoryview(_PREFIX.pack(kind, len(payload)) + payload)
        while data:
            data = data[os.write(self._writer, data) :]


class LearnerEnd:
    """The learner's end of the pipes. `receive` raises EOFError where the game's end is closed."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._buffer = bytearray()

    def receive(self) -> dict[str, Any] | Seen:
        """The next message: a hello's facts, or an observation. Raises GameLoopError for the error
        that the game reports."""
        self._fill(_PREFIX.size)
        kind, length = _PREFIX.unpack_from(self._buffer)
        if kind not in (HELLO, OBSERVATION, ERROR) or length > MOST_BYTES:
            raise GameLoopError("the game's process sends what is no message; it was ended")
        stop = _PREFIX.size + length
        self._fill(stop)
        payload = bytes(self._buffer[_PREFIX.size : stop])
        del self._buffer[:stop]
        if kind == OBSERVATION:
            seat, flags, frame, reward = _SEEN.unpack_from(payload)
            values = np.frombuffer(payload, np.float32, offset=_SEEN.size).copy()
            return Seen(
                seat, frame, reward, values,
                bool(flags & FIRST), bool(flags & TERMINATED), bool(flags & TRUNCATED),
            )  # fmt: skip
        facts: dict[str, Any] = json.loads(payload)
        if kind == ERROR:
            raise GameLoopError(facts["text"], facts["frame"])
        return facts

    def answer(self, action: int) -> None:
        """Raises BrokenPipeError where the game's end is closed."""
        os.write(self._writer, bytes((action,)))

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            data = os.read(self._reader, 1 << 16)
            if not data:
                raise EOFError
            self._buffer += data
