"""A seat in a game's own loop: what the game calls, and who sits there.

A plain `python pong.py` has nobody in the seat but the person at the keyboard, whose keys pass
through untouched; a model or a script can be named. Started by the command line, the same file
records, learns or plays, without a word about it in the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from engine_plugin.bridge.actions import Actions
from engine_plugin.bridge.schema import Schema, arena_box
from engine_plugin.errors import ConfigError, GameLoopError
from engine_plugin.facts import ForeignGame

if TYPE_CHECKING:
    from engine_plugin.bridge.seat_ghost import SeatGhost

# A script decides by what `see` shows: the name of an action.
Script = Callable[[Mapping[str, Any]], str]


class Sitter(Protocol):
    """Who sits in a seat."""

    def tick(self, score: float, over: bool) -> None:
        """A frame has ended."""


@runtime_checkable
class Leaves(Protocol):
    """A sitter that holds keys, and lets go of them when another takes the place."""

    def release(self) -> None: ...


class Hands(Protocol):
    """A keyboard that a player holds the keys of; see `machine/keyboard.py`."""

    def hold(self, owner: Any, keys: frozenset[int]) -> None: ...


# Set by `run.py` before a game is loaded: who is to sit in a seat that a game makes. Without it
# only a model or a script that the game itself names.
usher: Callable[[Seat], Sitter | None] | None = None


class Seat:
    """One player's place in a loop.

        rival = Seat("pong", keys={"stay": [], "up": [pygame.K_UP], "down": [pygame.K_DOWN]},
                     see=lambda: {"me": paddle, "ball": ball, "speed": velocity},
                     arena=screen.get_rect())
        while True:
            keys = rival.keys(pygame.key.get_pressed())
            ...
            rival.tick(score=points, over=lives == 0)

    name: of the game, and where it has several seats that of the seat
    game: what the game is called where that is not the seat's name; what is learned in one seat of
        a game can sit in another that shows the same
    keys: {name of an action: the keys that it holds}, keys as pygame numbers them
    see: called once a decision, gives the fields (schema.py)
    arena: the rect that places are measured in
    every: frames that a decision lasts
    nearest: how many of a group are seen, or {field: how many}
    restart: begins a new round; called only while nobody watches (training, scripted play). True
        for a game that does so by itself, some time after over. Without it every round is a fresh
        process
    model: file of a policy that sits here; script: a function of the fields that does
    watch: whether a ghost sees the rounds that a person plays here; see `ghost`
    seed: start of the stream from which a model's actions are drawn

    Raises ConfigError for settings that cannot be, ModelError kinds for the model. `tick` raises
    GameLoopError for a field that is not what it was while recording and training; while a model
    or a script merely plays, nothing is raised after its first decision.
    """

    def __init__(
        self,
        name: str,
        *,
        keys: Mapping[str, Iterable[int]],
        see: Callable[[], Mapping[str, Any]],
        arena: Any = None,
        every: int = 6,
        nearest: int | Mapping[str, int] = 4,
        restart: Callable[[], Any] | bool | None = None,
        model: str | Path | None = None,
        script: Script | None = None,
        watch: bool = False,
        game: str = "",
        seed: int = 0,
    ) -> None:
        for text in (name, game or name):
            if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= 100:
                raise ConfigError(f"a seat's name: expected 1 to 100 characters, got {text!r}")
        if not isinstance(every, int) or not 1 <= every <= 1000:
            raise ConfigError(f"every: expected 1 to 1000 frames a decision, got {every!r}")
        if restart in (True, False):
            restart = _by_itself if restart else None
        for thing, value in (("see", see), ("restart", restart), ("script", script)):
            if not callable(value) and (value is not None or thing == "see"):
                raise ConfigError(f"{thing}: expected a function, got {value!r}")
        counts = nearest.values() if isinstance(nearest, Mapping) else [nearest]
        if not all(isinstance(count, int) and 1 <= count <= 256 for count in counts):
            raise ConfigError(f"nearest: expected 1 to 256, got {nearest!r}")
        if model is not None and script is not None:
            raise ConfigError("expected a model or a script in the seat, got both")
        if arena is not None:
            arena_box(arena)
        self.name, self.game = name, game or name
        self.every, self.seed = every, seed
        self.restart: Callable[[], Any] | None = restart  # type: ignore[assignment]
        self.model: str | Path | bytes | None = model
        self.script, self.watch = script, watch
        self.actions = Actions.declared(keys)
        self.frame = 0
        self._see, self._arena, self._nearest = see, arena, nearest
        self._schema: Schema | None = None
        self._own = self.actions.all_keys
        self._held: frozenset[int] = frozenset()
        self._is_overlaid = False
        self._pressed_type: Any = None
        self._ghost: SeatGhost | None = None
        self._sitter = self._seat_somebody()

    def _seat_somebody(self) -> Sitter | None:
        if usher is not None:
            return usher(self)
        if self.model is None and self.script is None:
            return self.ghost.watcher() if self.watch else None
        from engine_plugin.bridge.players import sit_down

        return sit_down(self)

    # ------------------------------------------------------------------------- what a game calls

    def keys(self, pressed: Any) -> Any:
        """The keys that the game is to see: `pressed` as it is where a person plays; else the
        seat's own keys as its player holds them, and all others as they are."""
        if not self._is_overlaid:
            return pressed
        return self._pressed_type(self._held, self._own, pressed)

    def tick(self, *, score: float = 0.0, over: bool = False) -> None:
        """The frame has ended. Call it once a frame, after everything has moved.

        score: what the seat's player wants more of; its change is the game's reward
        over: the round has ended in this frame
        """
        if self._sitter is None:
            return
        self.frame += 1
        self._sitter.tick(score, over)

    def sit(self, model: str | Path | bytes | None) -> None:
        """Let another model play here from now on: a file, its bytes or a shipped name; None gives
        the keys back to the person. Call it between two rounds. Where the command line has seated
        somebody, they stay.

        Raises ModelError kinds for a model that cannot be loaded; whoever sat there then stays.
        """
        if usher is not None:
            return
        before = self.model, self.script, self._is_overlaid
        leaving = self._sitter
        self.model, self.script, self._is_overlaid = model, None, False
        try:
            self._sitter = self._seat_somebody()
        except Exception:
            self.model, self.script, self._is_overlaid = before
            raise
        if isinstance(leaving, Leaves):
            leaving.release()

    @property
    def ghost(self) -> SeatGhost:
        """The ghost of who plays here (seat_ghost.py), with `watch`; else one that never has seen
        enough to learn."""
        if self._ghost is None:
            from engine_plugin.bridge.seat_ghost import SeatGhost

            self._ghost = SeatGhost(self)
        return self._ghost

    # --------------------------------------------------------------------- what its player calls

    def look(self) -> Mapping[str, Any]:
        """What `see` shows now."""
        return self._see()

    def observe(self, shown: Mapping[str, Any] | None = None) -> np.ndarray:
        """What is seen now, float32 [size]; the first call decides what the fields are.

        Raises GameLoopError.
        """
        shown = self._see() if shown is None else shown
        return self.schema_of(shown).encode(shown, self.frame)

    def schema_of(self, shown: Mapping[str, Any]) -> Schema:
        if self._schema is None:
            self._schema = Schema(shown, self._arena, self._nearest, self.frame)
        return self._schema

    def facts(self, actions: Actions | None = None) -> ForeignGame:
        """The facts of the game as this seat sees it, once it has seen something.

        actions: those to choose from, in place of the declared ones
        """
        fields = self.schema_of(self._see()).fields
        names = (actions or self.actions).names
        return ForeignGame(self.game, names, fields, period=self.every)

    def overlay(self, pressed_type: Any) -> None:
        """From now on `keys` answers what `hold` said, as a `pressed_type(held, own, over)`."""
        self._is_overlaid, self._pressed_type = True, pressed_type

    def hold(self, keys: frozenset[int]) -> None:
        """The seat's player holds these keys until the next call."""
        self._held = keys

    def checked_score(self, score: Any) -> float:
        """A score as a number. Raises GameLoopError."""
        try:
            value = float(score)
        except (TypeError, ValueError) as error:
            raise GameLoopError(f"score: expected a number, got {score!r}", self.frame) from error
        if not math.isfinite(value):
            raise GameLoopError(f"score: expected a finite number, got {value}", self.frame)
        return value


def _by_itself() -> None:
    """The game begins its next round without being told."""
