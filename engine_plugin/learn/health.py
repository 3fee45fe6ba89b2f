"""Whether a training is sound: what the discriminator sees, what it pays, and how the policy
decides.

Plain numbers from plain arrays, so that they can be checked by hand; learn/alarms.py reads them.

Balanced accuracy is the mean of two shares: demonstrations that the discriminator recognises (logit
above 0) and own transitions that it does not (logit below 0). The memorising gap is the share
recognised among the demonstrations it learns from, less the share among those held out from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

JUDGED = 2_048  # transitions of each kind in one measurement
LOGIT_LIMIT = 8.0  # outermost bins of the histograms hold what lies beyond
LOGIT_BINS = 32


def logit_edges() -> np.ndarray:
    """Borders of the histograms' bins, float64 [LOGIT_BINS + 1]."""
    return np.linspace(-LOGIT_LIMIT, LOGIT_LIMIT, LOGIT_BINS + 1)


def discriminator_health(
    demonstrations: np.ndarray, held_out: np.ndarray | None, agent: np.ndarray
) -> dict[str, Any]:
    """What a line of the log says of the discriminator, from its logits [n] (high = demonstration).

    demonstrations: of transitions it learns from; held_out: of those that it never saw, or None;
    agent: of the agent's newest transitions. All judged without dropout.
    """
    kinds = {"demonstrations": demonstrations, "agent": agent}
    if held_out is not None:
        kinds["held_out"] = held_out
    refused = float(np.mean(agent < 0))
    recognised = float(np.mean(demonstrations > 0))
    health: dict[str, Any] = {
        "balanced_accuracy": round((recognised + refused) / 2, 4),
        "logits": {name: round(float(values.mean()), 4) for name, values in kinds.items()},
        "histograms": {name: _histogram(values) for name, values in kinds.items()},
    }
    if held_out is not None:
        recognised_unseen = float(np.mean(held_out > 0))
        health["held_out_accuracy"] = round((recognised_unseen + refused) / 2, 4)
        health["memorising_gap"] = round(recognised - recognised_unseen, 4)
    return health


def _histogram(logits: np.ndarray) -> list[float]:
    """Shares of the logits in the bins of `logit_edges`."""
    inside = np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT)
    counts, _ = np.histogram(inside, logit_edges())
    shares: list[float] = (counts / max(len(logits), 1)).round(4).tolist()
    return shares


def style_payment(rewards: np.ndarray, end_value: float) -> dict[str, float]:
    """What the style reward pays a step, from rewards [n] of the agent's newest transitions.

    mean; positive: share of steps with a reward above 0; end_value: what ending an episode is
    worth.
    """
    return {
        "mean": round(float(rewards.mean()), 4),
        "positive": round(float(np.mean(rewards > 0)), 4),
        "end_value": round(end_value, 4),
    }


class DecisionTally:
    """Counts how a policy decides while it plays: which actions, and how sure it is."""

    def __init__(self, actions: tuple[str, ...]):
        self.actions = actions
        self.chosen = np.zeros(len(actions), np.int64)
        self.entropy = 0.0
        self.decisions = 0  # with more than one action allowed

    def note(self, logits: np.ndarray, allowed: np.ndarray, actions: np.ndarray) -> None:
        """One decision of n envs: logits of the policy [n, actions], before any noise; allowed
        [n, actions]; actions int [n]. Where only one action is allowed nothing is decided."""
        free = (allowed > 0).sum(axis=1) > 1
        if not free.any():
            return
        logits = np.where(allowed[free] > 0, logits[free].astype(np.float64), -np.inf)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1)
        self.entropy += float((entropy / np.log((allowed[free] > 0).sum(axis=1))).sum())
        self.chosen += np.bincount(actions[free], minlength=len(self.actions))
        self.decisions += int(free.sum())

    def summary(self) -> dict[str, Any]:
        """most_chosen: the action; largest_share: its share of the decisions; entropy: the mean
        entropy of softmax(logits), 1 for even chances among the allowed and 0 for certainty."""
        most = int(self.chosen.argmax())
        count = max(self.decisions, 1)
        return {
            "most_chosen": self.actions[most],
            "largest_share": round(float(self.chosen[most]) / count, 4),
            "entropy": round(self.entropy / count, 4),
        }
