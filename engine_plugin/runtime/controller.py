"""From the ticks of a game loop to the decisions of a policy, without ever stopping the loop.

A policy decides every `period` ticks; in between its last action goes on. Whatever fails is
counted, logged once, and answered with a fallback action: a match goes on with a player who
waits rather than ends with a traceback.
"""

from __future__ import annotations

import logging
from time import perf_counter

import numpy as np

from engine_plugin.errors import ConfigError
from engine_plugin.runtime.policy import Policy

_LOG = logging.getLogger(__name__)
_LATENCIES_KEPT = 4096


class AgentController:
    """Plays one seat with a policy: call `tick` once a tick.

    policy: copied, so that two controllers may share one loaded policy
    period: ticks per decision; None takes the card's
    fallback_action: acts when the policy fails and before the first decision; where it is
        illegal too, the first legal action does
    offset: ticks by which decisions come later, so that many agents need not decide in the
        same tick
    seed: start of the stream from which a softmax policy samples

    errors: how many ticks the fallback had to answer for a fault; last_error: the latest, or None
    """

    def __init__(
        self,
        policy: Policy,
        *,
        period: int | None = None,
        fallback_action: int = 0,
        offset: int = 0,
        seed: int = 0,
    ) -> None:
        self.policy = policy.copy(seed=seed)
        self.period = policy.card.period if period is None else period
        self.fallback_action = fallback_action
        self.errors = 0
        self.last_error: str | None = None
        if self.period < 1:
            raise ConfigError(f"period: expected 1 tick or more, got {self.period}")
        if not 0 <= fallback_action < len(policy.card.actions):
            raise ConfigError(
                f"fallback_action: expected 0 to {len(policy.card.actions) - 1}, "
                f"got {fallback_action}"
            )
        self._offset = offset % self.period
        self._ticks = 0
        self._action: int | None = None
        self._latencies = np.zeros(_LATENCIES_KEPT, np.float64)
        self._decisions = 0

    def tick(
        self,
        observation: np.ndarray,
        legal_mask: np.ndarray,
        survivable_mask: np.ndarray | None = None,
    ) -> int:
        """The action of this tick; arrays as in `Policy.act`. Never raises.

        An action goes on while it is legal; once it is not, the fallback acts until the next
        decision.
        """
        due = self._ticks % self.period == self._offset
        self._ticks += 1
        try:
            if due:
                self._action = self._decide(observation, legal_mask, survivable_mask)
            if self._action is not None and legal_mask[self._action]:
                return self._action
        except Exception as error:  # the game must go on, whatever it was
            self._action = None
            self._note(error)
        return self._fallback(legal_mask)

    def reset(self, seed: int | None = None) -> None:
        """Start an episode: the next tick is the first; a seed restarts the sampling stream."""
        self.policy.reset(seed)
        self._ticks = 0
        self._action = None

    def latency_percentiles(self) -> dict[str, float]:
        """{"p50_ms", "p99_ms"} of the last 4,096 decisions; zeros before the first."""
        latencies = self._latencies[: min(self._decisions, _LATENCIES_KEPT)]
        if not len(latencies):
            return {"p50_ms": 0.0, "p99_ms": 0.0}
        middle, high = np.percentile(latencies, (50, 99)) * 1000.0
        return {"p50_ms": float(middle), "p99_ms": float(high)}

    def _decide(
        self,
        observation: np.ndarray,
        legal_mask: np.ndarray,
        survivable_mask: np.ndarray | None,
    ) -> int:
        started = perf_counter()
        action = self.policy.act(observation, legal_mask, survivable_mask=survivable_mask)
        self._latencies[self._decisions % _LATENCIES_KEPT] = perf_counter() - started
        self._decisions += 1
        return action

    def _note(self, error: Exception) -> None:
        self.errors += 1
        self.last_error = f"{type(error).__name__}: {error}"
        if self.errors == 1:
            _LOG.warning(
                "%r failed, the fallback action plays; further failures are only counted: %s",
                self.policy.card.name,
                self.last_error,
            )

    def _fallback(self, legal_mask: np.ndarray) -> int:
        try:
            legal = np.flatnonzero(legal_mask)
        except Exception:  # a mask that is no array: the fallback is the best guess
            return self.fallback_action
        if len(legal) == 0 or self.fallback_action in legal:
            return self.fallback_action
        return int(legal[0])
