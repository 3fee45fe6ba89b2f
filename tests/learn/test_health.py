"""Figures of a training's health, against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine_plugin.learn.health import (
    LOGIT_LIMIT,
    DecisionTally,
    discriminator_health,
    logit_edges,
    style_payment,
)


def test_accuracies_gap_and_means_are_those_of_the_logits() -> None:
    health = discriminator_health(
        np.array([1.0, 2.0, 3.0, -1.0]), np.array([0.5, -0.5]), np.array([-1.0, -1.0, -4.0, 2.0])
    )
    assert health["balanced_accuracy"] == 0.75  # 3 of 4, and 3 of 4
    assert health["held_out_accuracy"] == 0.625  # 1 of 2, and 3 of 4
    assert health["memorising_gap"] == 0.25
    assert health["logits"] == {"demonstrations": 1.25, "held_out": 0.0, "agent": -1.0}


def test_without_demonstrations_held_out_nothing_is_said_of_them() -> None:
    health = discriminator_health(np.ones(3), None, -np.ones(3))
    assert health["balanced_accuracy"] == 1.0
    assert "memorising_gap" not in health and set(health["histograms"]) == {
        "demonstrations", "agent"
    }  # fmt: skip


def test_histograms_are_shares_and_hold_what_lies_beyond_at_their_ends() -> None:
    logits = np.array([-100.0, -0.1, 0.1, 0.2, 100.0])
    shares = discriminator_health(logits, None, logits)["histograms"]["agent"]
    edges = logit_edges()
    assert len(shares) == len(edges) - 1 and edges[0] == -LOGIT_LIMIT and 0 in edges
    assert sum(shares) == pytest.approx(1.0)
    assert shares[0] == shares[-1] == 0.2
    assert shares[list(edges).index(0.0)] == 0.4


def test_the_payment_of_a_style_reward() -> None:
    payment = style_payment(np.array([1.0, 0.0, -0.5, 2.0]), 3.0)
    assert payment == {"mean": 0.625, "positive": 0.5, "end_value": 3.0}


def test_decisions_are_counted_where_there_is_a_choice() -> None:
    tally = DecisionTally(("wait", "left", "right"))
    even, sure = [0.0, 0.0, 0.0], [50.0, 0.0, 0.0]
    allowed = np.array([[1, 1, 1], [1, 1, 1], [0, 0, 1], [1, 1, 0]], np.uint8)
    logits = np.array([even, sure, even, even], np.float32)
    tally.note(logits, allowed, np.array([2, 0, 2, 0]))
    summary = tally.summary()
    assert tally.decisions == 3  # one had no choice
    assert summary["most_chosen"] == "wait"
    assert summary["largest_share"] == pytest.approx(2 / 3, abs=1e-3)
    # Even among three and among two is 1 each, the sure one is 0.
    assert summary["entropy"] == pytest.approx(2 / 3, abs=1e-3)
    tally.note(logits[2:3], allowed[2:3], np.array([2]))
    assert tally.summary() == summary


def test_forbidden_actions_and_great_values_do_not_spoil_the_entropy() -> None:
    tally = DecisionTally(("a", "b", "c"))
    tally.note(np.array([[1e30, 2.0, 2.0]]), np.array([[0, 1, 1]]), np.array([1]))
    assert tally.summary()["entropy"] == 1.0
    tally.note(np.array([[-1e30, 1e30, 0.0]]), np.array([[1, 1, 1]]), np.array([1]))
    assert tally.summary() == {"most_chosen": "b", "largest_share": 1.0, "entropy": 0.5}


def test_a_tally_of_nothing_is_calm() -> None:
    assert DecisionTally(("a", "b")).summary()["largest_share"] == 0.0
