"""A seat for a game that has none and cannot be edited: it looks into the running game.

Fields, score and end are Python expressions about the game's own names, such as "ball.rect" or
"lives == 0". They are looked up where the game shows a picture, or where it shows none at the tick
of its clock: in the function that does, in those that called it, and among the file's own names.
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


class NotThereError(GameLoopError):
    """An expression has no value, at least not now: in a menu, say."""


class Expression:
    """A Python expression about a game's names. Raises GameLoopError for what is none.

    what: it is to tell, such as "score"
    """

    def __init__(self, what: str, text: str) -> None:
        self._what, self._text = what, text
        try:
            self._code = compile(text, "<drive>", "eval")
        except SyntaxError as error:
            raise GameLoopError(
                f"{what}: expected a Python expression, got {text!r}: {error}"
            ) from error
        self._names = names_in(self._code)

    def value(self, frame: FrameType) -> Any:
        """What it is where the game runs `frame`. Raises NotThereError."""
        try:
            return eval(self._code, names_of(frame, self._names))
        except Exception as error:
            told = str(error) or type(error).__name__
            raise NotThereError(
                f"{self._what}: {self._text!r} has no value in the game: {told}"
            ) from error


def names_in(code: CodeType) -> frozenset[str]:
    """All names that it asks for, also in the comprehensions within it."""
    inner = (names_in(part) for part in code.co_consts if isinstance(part, CodeType))
    return frozenset(code.co_names).union(*inner)


def names_of(frame: FrameType | None, wanted: frozenset[str]) -> dict[str, Any]:
    """What these names mean in a running function, in those of the game that called it, and in its
    file; without those that mean nothing there."""
    found: dict[str, Any] = {}
    while frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            for name in wanted - found.keys():
                if name in names:
                    found[name] = names[name]
        if frame.f_code.co_name == "<module>" and frame.f_globals["__name__"] == "__main__":
            break  # what runs the game's file is not the game's
        frame = frame.f_back
    return found


class Driver:
    """Makes the seat at the first frame in which all expressions have a value, and ticks it.

    facts: the arguments of `drive`, JSON-ready
    missing: what the game has had nothing of so far, "" once it has all
    """

    def __init__(self, machine: Machine, facts: Mapping[str, Any]) -> None:
        self._machine, self._facts = machine, facts
        self._see = {
            name: Expression(f"see {name!r}", text) for name, text in facts["see"].items()
        }
        self._score, self._over = (Expression(name, facts[name]) for name in ("score", "over"))
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
        except NotThereError as error:
            self._waited, self.missing = self._waited + 1, str(error)
            if self._seat is not None or self._waited > MOST_FRAMES_BEFORE:
                raise
            return
        if self._seat is None:
            self._seat, self.missing = self._make_seat(), ""
        self._seat.tick(score=score, over=bool(over))

    def _look(self) -> dict[str, Any]:
        return {name: self._value(expression) for name, expression in self._see.items()}

    def _value(self, expression: Expression) -> Any:
        assert self._frame is not None
        return expression.value(self._frame)

    def _make_seat(self) -> Seat:
        facts, restart = self._facts, None
        if facts["restart"]:
            again = Expression("restart", facts["restart"])

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


def install_driver(machine: Machine, facts: Mapping[str, Any]) -> Driver:
    """From now on every frame of the game is seen."""
    driver = Driver(machine, facts)
    machine.on_frame = driver.frame
    return driver
