"""A model or a script that sits in a seat, on the spot."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from engine_plugin.bridge.over import FramesOver
from engine_plugin.bridge.seat import Hands, Script, Seat
from engine_plugin.errors import GameLoopError, ModelMismatchError
from engine_plugin.runtime.controller import AgentController
from engine_plugin.runtime.policy import Policy, load_policy

_LOG = logging.getLogger(__name__)


def sit_down(seat: Seat) -> LocalPlayer:
    """The model or the script that a game names, in a game that runs by itself."""
    from engine_plugin.bridge.machine.keyboard import Keyboard, Pressed, expect_known_keys

    expect_known_keys(seat.actions.all_keys)
    seat.overlay(Pressed)
    return local_player(seat, Keyboard())


def local_player(seat: Seat, hands: Hands) -> LocalPlayer:
    """The player for the model or script of a seat. Raises ModelError kinds."""
    if seat.script is not None:
        return LocalPlayer(seat, hands, ScriptMind(seat, seat.script))
    assert seat.model is not None
    return LocalPlayer(seat, hands, ModelMind(seat, load_policy(seat.model, seed=seat.seed)))


class Mind(Protocol):
    """Decides what to hold: the keys, for what is shown now. Raises whatever goes wrong."""

    def decide(self) -> frozenset[int]: ...
    def forget(self) -> None:
        """An episode begins."""


class ScriptMind:
    """A function of the fields."""

    def __init__(self, seat: Seat, script: Script) -> None:
        self._seat, self._script = seat, script
        self._keys = dict(zip(seat.actions.names, seat.actions.keys, strict=True))

    def decide(self) -> frozenset[int]:
        name = self._script(self._seat.look())
        if name not in self._keys:
            raise GameLoopError(
                f"the script of {self._seat.name!r} wants {name!r}; expected an action of "
                f"{list(self._keys)}",
                self._seat.frame,
            )
        return self._keys[name]

    def forget(self) -> None:
        """A script remembers what it will."""


class ModelMind:
    """A trained policy; checked against the game at its first decision."""

    def __init__(self, seat: Seat, policy: Policy) -> None:
        self._seat, self._policy = seat, policy
        self.actions = seat.actions.named(policy.card.actions)
        self._mask = np.ones(len(policy.card.actions), np.uint8)
        self._controller = AgentController(policy, period=1, seed=seat.seed)
        self._is_checked = False

    def decide(self) -> frozenset[int]:
        observation = self._seat.observe()
        if not self._is_checked:
            self._check()
        return self.actions.keys[self._controller.tick(observation, self._mask)]

    def forget(self) -> None:
        self._controller.reset()

    def _check(self) -> None:
        """Raise ModelMismatchError unless the model was made for what this seat shows."""
        card, facts = self._policy.card, self._seat.facts(self.actions)
        if card.layout_hash != facts.layout_hash:
            raise ModelMismatchError(
                f"{card.name!r} was made for {described(card.layout)}; this game shows "
                f"{described(facts.layout())}: train it again on this game"
            )
        self._is_checked = True


def described(layout: Mapping[str, Any]) -> str:
    fields = ", ".join(f"{entry['name']} {entry['shape']}" for entry in layout["fields"])
    return f"{layout['game']!r} ({fields}; a decision every {layout.get('period', 1)} frames)"


class LocalPlayer:
    """Decides every few frames and holds the keys in between.

    strict: whatever goes wrong is raised; else only what goes wrong in the first decision is, and
        later it is counted, logged once, and no key is held: the game goes on
    on_over: called once where a round has ended; max_frames: it is cut after as many, 0: never

    errors: how many decisions have failed
    """

    def __init__(self, seat: Seat, hands: Hands, mind: Mind) -> None:
        self.seat, self.errors, self.strict = seat, 0, False
        self.on_over: Callable[[], None] | None = None
        self.max_frames = 0
        self._hands, self._mind = hands, mind
        self._frames = 0  # of the episode
        self._over = FramesOver()
        self._has_decided = False

    def tick(self, score: float, over: bool) -> None:
        if over or 0 < self.max_frames <= self._frames:
            self._end_round()
            return
        self._over.clear()
        if self._frames % self.seat.every == 0:
            self._decide()
        self._frames += 1

    def _end_round(self) -> None:
        """A round ends with its first frame that is over; in the others it has ended already."""
        if self.strict and self.on_over is not None:
            self._over.count(self.seat.frame)
        was_played, self._frames = self._frames > 0, 0
        self.release()
        self._mind.forget()
        if was_played and self.on_over is not None:
            self.on_over()

    def release(self) -> None:
        self._hold(frozenset())

    def _decide(self) -> None:
        try:
            keys = self._mind.decide()
        except Exception as error:
            if self.strict or not self._has_decided:
                raise
            keys = frozenset()
            self.errors += 1
            if self.errors == 1:
                _LOG.warning("the player of %r failed: %s", self.seat.name, error)
        self._has_decided = True
        self._hold(keys)

    def _hold(self, keys: frozenset[int]) -> None:
        self.seat.hold(keys)
        self._hands.hold(self.seat.name, keys)
