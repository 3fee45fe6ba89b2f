"""Whoever decides for a seat, in all envs of a batch at once: scripted players and models.

Needs no TensorFlow.
"""

from __future__ import annotations

from typing import Any, Protocol, Self

import numpy as np

import fastenv
from engine_plugin.card import CAUTION
from engine_plugin.runtime.policy import Policy, load_policy
from fastenv import BatchEnv, GameSpec

BOT_PREFIX = "bot:"
MODEL_SUFFIX = ".onnx"


class Agent(Protocol):
    """Decides for one seat.

    name: as the user wrote it, without "bot:"
    """

    name: str

    def act(self, batch: BatchEnv, seat: int) -> np.ndarray:
        """Actions uint8 [num_envs] for `seat` in every env."""

    def forget(self, ended: np.ndarray) -> None:
        """Episodes ended in these envs, bool [num_envs]; others have begun there."""

    def fresh(self, seed: int) -> Self:
        """The same agent with a random stream of its own, at the start of an episode."""


class ScriptedAgent:
    """A scripted player of the game; it draws from each env's own stream."""

    def __init__(self, name: str, game: str) -> None:
        """Raises UnknownGameError for a name that the game has no player of."""
        self.name = name
        self._game = game
        self._bot = fastenv.make_bot(name, game)

    def act(self, batch: BatchEnv, seat: int) -> np.ndarray:
        actions: np.ndarray = self._bot.act(batch, seat)
        return actions

    def forget(self, ended: np.ndarray) -> None:
        """Nothing to do: it remembers nothing."""

    def fresh(self, seed: int) -> ScriptedAgent:
        return self


class ModelAgent:
    """A trained policy; all envs of a batch are decided in one run of its model.

    stream: what a softmax policy samples from; a checkpoint keeps its state
    """

    def __init__(self, name: str, policy: Policy, seed: int = 0) -> None:
        self.name = name
        self.policy = policy
        self.stream = np.random.default_rng(seed)

    def act(self, batch: BatchEnv, seat: int) -> np.ndarray:
        decision = self.policy.card.decision
        masks = None
        if decision.safety != "none":
            masks = batch.survivable_mask(caution=decision.caution)[:, seat]
        actions = self.policy.act_batch(
            batch.observations[:, seat],
            batch.legal_mask[:, seat],
            survivable_masks=masks,
            generator=self.stream,
        )
        return actions.astype(np.uint8)

    def forget(self, ended: np.ndarray) -> None:
        self.policy.forget(ended)

    def fresh(self, seed: int) -> ModelAgent:
        return ModelAgent(self.name, self.policy.copy(), seed)


def load_agent(name: str, spec: GameSpec, safety: str | None = None) -> ScriptedAgent | ModelAgent:
    """The agent of this name: "bot:NAME" or NAME for a scripted player, a shipped model's name
    such as "blast/hard", or a model file.

    safety: one of card.SAFETIES instead of what a model's card says

    Raises UnknownGameError for an unknown scripted player, ModelError kinds for a model.
    """
    if not names_model(name):
        return ScriptedAgent(name.removeprefix(BOT_PREFIX), spec.name)
    policy = load_policy(name, game=spec.name, layout_hash=spec.layout_hash)
    return ModelAgent(name, policy.with_decision(safety=safety))


def stream_state(agent: Agent) -> dict[str, Any] | None:
    """What an agent draws from, JSON-ready; None for one without a stream of its own."""
    return dict(agent.stream.bit_generator.state) if isinstance(agent, ModelAgent) else None


def restore_stream(agent: Agent, state: dict[str, Any] | None) -> None:
    """Go on with a saved stream. Raises KeyError, TypeError or ValueError where it is none."""
    if isinstance(agent, ModelAgent):
        agent.stream.bit_generator.state = state or {}


def allowed_actions(batch: BatchEnv, seat: int, safety: str) -> np.ndarray:
    """uint8 [num_envs, actions]: what this `safety` (card.SAFETIES) leaves, else the legal ones."""
    legal: np.ndarray = batch.legal_mask[:, seat]
    if safety == "none":
        return legal
    survivable: np.ndarray = batch.survivable_mask(caution=CAUTION[safety])[:, seat]
    return np.where(survivable.any(axis=1, keepdims=True), survivable, legal)


def names_model(name: str) -> bool:
    """Whether a name means a model: a path, a shipped name with its slash, or NAME.onnx."""
    return not name.startswith(BOT_PREFIX) and (
        "/" in name or "\\" in name or name.endswith(MODEL_SUFFIX)
    )
