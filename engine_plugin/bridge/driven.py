"""A seat for a game that has none and cannot be edited: it looks into the running game.

Fields, score and end are Python expressions about the game's own names, such as "ball.rect" or
"lives == 0". They are looked up where the game ends a frame: in the function that does, in those
that called it, and among the file's own names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import CodeType, FrameType
from typing import Any, Protocol

from engine_plugin.bridge.seat import Seat
from engine_plugin.errors import GameLoopError

# A game may show a menu first, in which nothing of the play is there.
MOST_FRAMES_BEFORE = 600


class Machine(Protocol):
    """What of the machine is needed; see `machine/virtual.py`."""

    on_frame: Callable[[FrameType], None] | None

    def screen_rect(self) -> Any: ...


class Names(dict[str, Any]):
    """The names of a running function, of those that called it, and of its file."""

    def __init__(self, frame: FrameType) -> None:
        super().__init__()
        self._frame = frame

    def __missing__(self, name: str) -> Any:
        frame: FrameType | None = self._frame
        while frame is not None:
            for names in (frame.f_locals, frame.f_globals):
                if name in names:
                    return names[name]
            frame = frame.f_back
        raise KeyError(name)


class Driver:
    """Makes the seat at the first frame in which all expressions have a value, and ticks it.

    facts: the arguments of `drive`, JSON-ready
    missing: what the game has had nothing of so far, "" once it has all
    """

    def __init__(self, machine: Machine, facts: Mapping[str, Any]) -> None:
        self._machine, self._facts = machine, facts
        self._see = {name: compiled(text) for name, text in facts["see"].items()}
        self._score, self._over = compiled(facts["score"]), compiled(facts["over"])
        self._seat: Seat | None = None
        self._frame: FrameType | None = None
        self._waited = 0
        self.missing = ""

    def frame(self, frame: FrameType) -> None:
        """The game has ended a frame."""
        self._frame = frame
        try:
            score, over = self._value(self._score), self._value(self._over)
            if self._seat is None:
                self._look()
        except NameError as error:
            self._waited, self.missing = self._waited + 1, str(error)
            if self._seat is not None or self._waited > MOST_FRAMES_BEFORE:
                raise GameLoopError(
                    f"the game has nothing of that name: {error}", self._waited
                ) from error
            return
        if self._seat is None:
            self._seat, self.missing = self._make_seat(), ""
        self._seat.tick(score=score, over=bool(over))

    def _look(self) -> dict[str, Any]:
        return {name: self._value(code) for name, code in self._see.items()}

    def _value(self, code: CodeType) -> Any:
        assert self._frame is not None
        return eval(code, {}, Names(self._frame))

    def _make_seat(self) -> Seat:
        facts, restart = self._facts, None
        if facts["restart"]:
            again = compiled(facts["restart"])

            def restart() -> Any:
                return self._value(again)

        return Seat(
            facts["name"],
            keys=facts["keys"],
            see=self._look,
            arena=facts["arena"] or self._machine.screen_rect(),
            every=facts["every"],
            nearest=facts["nearest"],
            restart=restart,
        )


def compiled(text: str) -> CodeType:
    """Raises GameLoopError."""
    try:
        return compile(text, "<drive>", "eval")
    except SyntaxError as error:
        raise GameLoopError(f"expected a Python expression, got {text!r}: {error}") from error


def install_driver(machine: Machine, facts: Mapping[str, Any]) -> Driver:
    """From now on every frame of the game is seen."""
    driver = Driver(machine, facts)
    machine.on_frame = driver.frame
    return driver
