"""A trained policy: one player's observation in, an action out, as its card says it decides."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime

from engine_plugin.card import Card, Decision
from engine_plugin.errors import ModelBrokenError, ModelMismatchError
from engine_plugin.runtime.loading import ModelSource, check_purpose, read_model
from engine_plugin.runtime.session import open_session, run_session


def load_policy(
    source: ModelSource,
    *,
    game: str | None = None,
    layout_hash: str | None = None,
    seed: int = 0,
) -> Policy:
    """Load a policy from a path, from bytes, or by the name of a shipped one ("blast/medium").

    game, layout_hash: what the model must have been made for; None accepts any
    seed: start of the stream from which a softmax policy samples

    Raises ModelMissingError, ModelBrokenError or ModelMismatchError; each says what was
    expected, what was found and the fix. The model is run once, so that the first decision of
    a game is as fast as the others and a model that cannot run is found here.
    """
    data, card = read_model(source)
    check_purpose(card, "policy", game, layout_hash)
    policy = Policy(card, open_session(data, card), seed=seed)
    policy.warm_up()
    return policy


class Policy:
    """A loaded policy model; `load_policy` makes one.

    It decides by `card.decision`, samples from its own seeded stream, and a recurrent one
    keeps its state between calls. Buffers are reused from call to call: use one Policy in one
    thread, and `copy()` for another seat or thread (copies share the session).
    """

    def __init__(self, card: Card, session: onnxruntime.InferenceSession, *, seed: int = 0) -> None:
        self.card = card
        self._session = session
        self._generator = np.random.default_rng(seed)
        inputs = {node.name: list(node.shape[1:]) for node in session.get_inputs()}
        self._image_shape = tuple(inputs["observation"])
        self._flat_shape = (math.prod(self._image_shape),)
        self._state_shape = tuple(inputs["state"]) if "state" in inputs else None
        self._outputs = ["q_values", "next_state"] if self.recurrent else ["q_values"]
        self._feeds = self._make_feeds(1)

    @property
    def recurrent(self) -> bool:
        """Whether the model carries a state from decision to decision."""
        return self._state_shape is not None

    def act(
        self,
        observation: np.ndarray,
        legal_mask: np.ndarray,
        *,
        survivable_mask: np.ndarray | None = None,
        generator: np.random.Generator | None = None,
    ) -> int:
        """One decision of one player.

        observation: [obs_size], or the shape of the model's input; uint8 or float32 as the
            card's layout says
        legal_mask, survivable_mask: [actions], non-zero where allowed; the second is needed
            where `card.decision.safety` is "survivable" or "cautious"
        generator: samples instead of the policy's own stream

        Raises ModelMismatchError for arrays that do not fit the model and ModelBrokenError
        where the model fails or answers with NaN or infinity.
        """
        rows = None if survivable_mask is None else np.asarray(survivable_mask)[None]
        actions = self.act_batch(
            np.asarray(observation)[None],
            np.asarray(legal_mask)[None],
            survivable_masks=rows,
            generator=generator,
        )
        return int(actions[0])

    def act_batch(
        self,
        observations: np.ndarray,
        legal_masks: np.ndarray,
        *,
        survivable_masks: np.ndarray | None = None,
        generator: np.random.Generator | None = None,
    ) -> np.ndarray:
        """Decisions for n players at once: int32 [n]; arguments as in `act`, with n rows.

        A recurrent model's row i goes on from its row i of the call before; another n starts
        all of them anew. `forget` starts single rows anew.
        """
        allowed = self._allowed(np.asarray(legal_masks), survivable_masks)
        values = self._run(observations, legal_masks)
        decision = self.card.decision
        # Doubles, so that lowest-float values of illegal actions cannot overflow below.
        preferences = np.where(allowed, values.astype(np.float64), -np.inf)
        if decision.rule == "softmax":
            # The argmax of logits with Gumbel noise is a sample of their softmax.
            noise = (generator or self._generator).gumbel(size=preferences.shape)
            preferences = preferences / decision.temperature + noise
        actions: np.ndarray = preferences.argmax(axis=1).astype(np.int32)
        return actions

    def q_values(self, observations: np.ndarray, legal_masks: np.ndarray) -> np.ndarray:
        """The model's values, float32 [n, actions]; illegal actions have a very low one.

        A recurrent model's state moves on, as in `act_batch`.
        """
        return self._run(observations, legal_masks)

    def reset(self, seed: int | None = None) -> None:
        """Start an episode: forget the recurrent state and, given a seed, restart the stream."""
        if seed is not None:
            self._generator = np.random.default_rng(seed)
        if self.recurrent:
            self._feeds["state"].fill(0)

    def forget(self, ended: np.ndarray) -> None:
        """Clear the recurrent state of the rows where `ended` (bool [n]) is true."""
        if self.recurrent:
            self._feeds["state"][np.asarray(ended, bool)] = 0

    def copy(self, *, seed: int = 0) -> Policy:
        """A Policy with its own stream, buffers and state on the same session."""
        return Policy(self.card, self._session, seed=seed)

    def with_decision(
        self,
        *,
        rule: str | None = None,
        temperature: float | None = None,
        safety: str | None = None,
        seed: int = 0,
    ) -> Policy:
        """A copy that decides otherwise; None keeps what the card says. Raises ConfigError."""
        changes: dict[str, Any] = {"rule": rule, "temperature": temperature, "safety": safety}
        given = {name: value for name, value in changes.items() if value is not None}
        decision: Decision = replace(self.card.decision, **given)
        return Policy(replace(self.card, decision=decision), self._session, seed=seed)

    def warm_up(self) -> None:
        """Run the model once on zeros, which no state or stream notices.

        Its values are not judged: zeros need not be an observation of the game.
        """
        self._check_shapes(run_session(self._session, self._outputs, self._make_feeds(1)), 1)

    def _run(self, observations: np.ndarray, legal_masks: np.ndarray) -> np.ndarray:
        """Checked q values float32 [n, actions]."""
        observations, masks = np.asarray(observations), np.asarray(legal_masks)
        count = self._check_inputs(observations, masks)
        if len(self._feeds["observation"]) != count:
            self._feeds = self._make_feeds(count)
        feeds = self._feeds
        feeds["observation"][...] = observations.reshape(feeds["observation"].shape)
        np.not_equal(masks, 0, out=feeds["legal_mask"])
        answers = run_session(self._session, self._outputs, feeds)
        self._check_shapes(answers, count)
        values, *states = answers
        for answer in answers:
            if not np.isfinite(answer).all():
                raise ModelBrokenError(
                    f"{self.card.name!r} answered with NaN or infinity; train or export it again"
                )
        if states:
            feeds["state"][...] = states[0]
        return values

    def _check_shapes(self, answers: list[np.ndarray], count: int) -> None:
        expected = [("q values", (count, len(self.card.actions)))]
        if self._state_shape is not None:
            expected.append(("a next state", (count, *self._state_shape)))
        for (what, shape), answer in zip(expected, answers, strict=True):
            if answer.shape != shape:
                raise ModelBrokenError(
                    f"{self.card.name!r}: expected {what} of {shape}, got {answer.shape}; "
                    "export the model again"
                )

    def _check_inputs(self, observations: np.ndarray, masks: np.ndarray) -> int:
        """The number of rows, where both arrays fit the model."""
        name, expected = self.card.name, self._feeds["observation"].dtype
        if observations.shape[1:] not in (self._flat_shape, self._image_shape):
            raise ModelMismatchError(
                f"{name!r}: expected an observation of {self._flat_shape[0]} values, "
                f"got shape {observations.shape[1:]}; use the layout {self.card.layout_hash}"
            )
        if observations.dtype != expected and (
            expected == np.uint8 or not np.can_cast(observations.dtype, expected, "same_kind")
        ):
            raise ModelMismatchError(
                f"{name!r}: expected {expected} observations, got {observations.dtype}"
            )
        if observations.dtype.kind == "f" and not np.isfinite(observations).all():
            raise ModelMismatchError(f"{name!r}: expected finite observations, got NaN or infinity")
        if not len(observations) or masks.shape != (len(observations), len(self.card.actions)):
            raise ModelMismatchError(
                f"{name!r}: expected a mask of {len(self.card.actions)} actions for each of one or "
                f"more observations, got {masks.shape} for {len(observations)}"
            )
        return len(observations)

    def _allowed(self, legal: np.ndarray, survivable: np.ndarray | None) -> np.ndarray:
        """bool [n, actions]: what the card's safety leaves of the legal actions."""
        allowed: np.ndarray = legal != 0
        if not allowed.any(axis=-1).all():
            raise ModelMismatchError("expected at least one legal action, got a mask of zeros")
        if self.card.decision.safety == "none":
            return allowed
        if survivable is None:
            raise ModelMismatchError(
                f"{self.card.name!r} was evaluated with the safety filter: expected a survivable "
                "mask, got none; pass survivable_mask (fastenv: batch.survivable_mask("
                f"caution={self.card.decision.caution})), or use "
                "policy.with_decision(safety='none')"
            )
        survivable = np.asarray(survivable)
        if survivable.shape != legal.shape:
            raise ModelMismatchError(
                f"expected a survivable mask of shape {legal.shape}, got {survivable.shape}"
            )
        safe = allowed & (survivable != 0)
        return np.asarray(np.where(safe.any(axis=-1, keepdims=True), safe, allowed))

    def _make_feeds(self, count: int) -> dict[str, np.ndarray]:
        observation = np.zeros((count, *self._image_shape), self.card.observation_type)
        feeds = {
            "observation": observation,
            "legal_mask": np.zeros((count, len(self.card.actions)), np.uint8),
        }
        if self._state_shape is not None:
            feeds["state"] = np.zeros((count, *self._state_shape), np.float32)
        return feeds
