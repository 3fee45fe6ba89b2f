"""Who sits in a seat: the keyboard, a trained agent, or a scripted player of the game."""

from __future__ import annotations

from typing import Protocol

import numpy as np

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.host.input import InputState
from engine_plugin.host.options import KEYBOARD
from engine_plugin.runtime.controller import AgentController
from engine_plugin.runtime.policy import Policy, load_policy

BOT_PREFIX = "bot:"


def label_of(names: str) -> str:
    """Who sits there, short enough for people: without "bot:", folders and ".onnx"; a model.onnx is
    called after the folder of its training run. A seat in which several sat has them by commas."""
    shown = []
    for name in names.split(","):
        parts = name.removeprefix(BOT_PREFIX).removesuffix(".onnx").replace("\\", "/").split("/")
        shown.append(parts[-2] if parts[-1] == "model" and len(parts) > 1 else parts[-1])
    return ",".join(shown)


class Seat(Protocol):
    """Decides for one player, tick by tick.

    name: as it is asked for on the command line; label: as it is shown to people
    automatic: decides without a person, so that its time to decide is measured
    """

    name: str
    label: str
    automatic: bool

    @property
    def failures(self) -> int:
        """Decisions that failed so far, where a fallback acted."""

    def begin(self, seed: int) -> None:
        """A new round starts; every random choice in it follows from the seed."""

    def choose(self, batch: fastenv.BatchEnv, player: int) -> int:
        """The action index for this tick in env 0 of the batch."""


class KeyboardSeat:
    """A person, through the input state."""

    name = KEYBOARD
    label = "You"
    automatic = False

    failures = 0

    def __init__(self, state: InputState) -> None:
        self._state = state

    def begin(self, seed: int) -> None:
        self._state.release_all()

    def choose(self, batch: fastenv.BatchEnv, player: int) -> int:
        return self._state.take_action(batch.spec.actions, batch.legal_mask[0, player])


class AgentSeat:
    """A trained agent, through the runtime's controller."""

    automatic = True

    def __init__(self, name: str, policy: Policy) -> None:
        self.name = name
        self.label = label_of(name)
        self._controller = AgentController(policy)
        self._caution = policy.card.decision.caution
        self._survivable: np.ndarray | None = None

    @property
    def failures(self) -> int:
        return self._controller.errors

    def begin(self, seed: int) -> None:
        self._controller.reset(seed)

    def choose(self, batch: fastenv.BatchEnv, player: int) -> int:
        self._survivable = batch.survivable_mask(self._survivable, self._caution)
        return self._controller.tick(
            batch.observations[0, player],
            batch.legal_mask[0, player],
            self._survivable[0, player],
        )


class BotSeat:
    """A scripted player of the game; it draws from the env's own stream."""

    automatic = True

    failures = 0

    def __init__(self, name: str, bot: fastenv.Bot) -> None:
        self.name = name
        self.label = bot.name
        self._bot = bot
        self._action = np.zeros(1, np.uint8)

    def begin(self, seed: int) -> None:
        """Nothing to do: the env is seeded."""

    def choose(self, batch: fastenv.BatchEnv, player: int) -> int:
        return int(self._bot.act(batch, player, self._action)[0])


def make_seat(name: str, game: str, state: InputState | None = None) -> Seat:
    """The seat of this name: "keyboard", "bot:NAME", a shipped model's name or a model file.

    Every call loads its own policy, so that two seats never share random streams.
    Raises ModelError kinds, and ConfigError for an unknown scripted player.
    """
    if name == KEYBOARD:
        if state is None:
            raise ConfigError("expected an agent in this seat, got the keyboard")
        return KeyboardSeat(state)
    if name.startswith(BOT_PREFIX):
        try:
            return BotSeat(name, fastenv.make_bot(name.removeprefix(BOT_PREFIX), game=game))
        except fastenv.UnknownGameError as error:
            raise ConfigError(str(error)) from error
    layout_hash = fastenv.game_spec(game).layout_hash
    return AgentSeat(name, load_policy(name, game=game, layout_hash=layout_hash))
