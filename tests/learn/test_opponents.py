"""The opponent pool: whom it draws, that it goes on alike, and whose envs are whose."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.learn.agents import load_agent
from engine_plugin.learn.arena import Arena
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.opponents import FLOOR, MEMORY, PRIOR, SELF, Member, OpponentPool

SPEC = fastenv.game_spec("blast")
LEVELS = fastenv.builtin_levels(SPEC, 9, 8)
ENVS = 12
NAMES = ("hunter", "idle", SELF)


class Numbered:
    """Frozen policies that each like one action best: the slot's count of keeps, modulo."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.keeps = 0
        self.asked: list[np.ndarray] = []

    def keep(self, slot: int) -> None:
        if slot == len(self.kept):
            self.kept.append(0)
        self.kept[slot] = self.keeps
        self.keeps += 1

    def values(self, slots: np.ndarray, observations: np.ndarray) -> np.ndarray:
        assert observations.shape == (len(slots), SPEC.observation_size)
        self.asked.append(slots.copy())
        liked = np.array(self.kept)[slots] % len(SPEC.actions)
        return np.eye(len(SPEC.actions), dtype=np.float32)[liked]

    def save_state(self) -> dict[str, np.ndarray]:
        return {"000": np.array(self.kept), "001": np.array([self.keeps])}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        self.kept, self.keeps = state["000"].tolist(), int(state["001"][0])


def make_pool(names: tuple[str, ...] = NAMES, **changes: Any) -> OpponentPool:
    agents = [load_agent(name, SPEC) for name in dict.fromkeys(names) if name != SELF]
    settings = {"size": 3, "every": 240, "temperature": 0.0, "seed": 5, **changes}
    return OpponentPool(agents, names, **settings)


def make_arena(pool: OpponentPool, frozen: Any = None) -> Arena:
    arena = Arena("blast", (), ENVS, 3, LEVELS, pool=pool)
    arena.meet(frozen or Numbered())
    return arena


def play(arena: Arena, ticks: int, seed: int = 0) -> np.ndarray:
    """Random allowed actions; every observation on the way."""
    random = np.random.default_rng(seed)
    seen = []
    for _ in range(ticks):
        arena.step((random.random(arena.allowed.shape) * arena.allowed).argmax(axis=1))
        seen.append(arena.observations.copy())
    return np.stack(seen)


# --------------------------------------------------------------------------------------- the draw


def test_the_draw_is_the_formula() -> None:
    pool = make_pool(("hunter", "hunter", "idle", SELF))
    pool.members += [Member(SELF, 0.0), Member(SELF, 0.0)]
    for member, score in zip(pool.members, (0.5, 1.0, 0.2, 0.9), strict=True):
        member.score = score
    weights = np.array([2 * 0.25, FLOOR, 0.5 * 0.64, 0.5 * FLOOR])
    np.testing.assert_allclose(pool.probabilities(), weights / weights.sum())


def test_whom_one_loses_to_is_met_more_and_whom_one_beats_less() -> None:
    pool = make_pool(("hunter", "miner", "idle", SELF))
    before = pool.probabilities()
    hunter, miner, idle = pool.members
    for _ in range(100):
        hunter.note(0.0)
        idle.note(1.0)
        miner.note(0.5)
    after = pool.probabilities()
    assert after[0] > before[0] and after[2] < before[2]
    assert after[0] > after[1] > after[2] > 0
    rows = pool.report()
    assert rows["hunter"]["score"] < 0.1 < 0.9 < rows["idle"]["score"]
    assert sum(row["share"] for row in rows.values()) == pytest.approx(1, abs=1e-3)


def test_scores_are_running_means_with_a_prior() -> None:
    member = Member("hunter", 1.0)
    member.note(1.0)
    assert member.score == pytest.approx((PRIOR * 0.5 + 1) / (PRIOR + 1))
    for _ in range(2 * MEMORY):
        member.note(1.0)
    before = member.score
    member.note(0.0)
    assert member.score == pytest.approx(before - before / MEMORY)


def test_matches_move_the_draw_towards_those_who_win() -> None:
    """A learner that always waits beats nobody who hunts it, and draws less than it loses."""
    pool = make_pool(("hunter", "idle", SELF), every=10**9)
    arena = make_arena(pool)
    for _ in range(1200):
        arena.step(np.zeros(ENVS, np.uint8))
    rows = pool.report()
    assert rows["hunter"]["score"] < rows["idle"]["score"]
    assert rows["hunter"]["share"] > rows["idle"]["share"]
    assert rows["hunter"]["episodes"] > rows["idle"]["episodes"] > 0


# ------------------------------------------------------------------------------------- in the arena


def test_an_env_keeps_its_opponent_until_its_episode_ends() -> None:
    pool = make_pool(every=10**9)
    arena = make_arena(pool)
    play(arena, 1)
    changed = 0
    for tick in range(400):
        before = pool.member_of.copy()
        play(arena, 1, seed=tick)
        ended = arena.terminated | arena.truncated
        assert (before == pool.member_of)[~ended].all()
        changed += int((before != pool.member_of).sum())
    assert changed > 0
    assert set(np.unique(pool.member_of)) <= set(range(len(pool.members)))


def test_everybody_acts_for_himself_in_his_own_envs() -> None:
    """The opponents' actions, told apart by member: the frozen one likes the first keep's action,
    the idle player waits."""
    pool = make_pool(("idle", SELF), every=10**9)
    frozen = Numbered()
    frozen.keeps = SPEC.actions.index("bomb")
    arena = make_arena(pool, frozen)
    play(arena, 1)
    bombed = np.zeros(ENVS, bool)
    for group in arena.groups:
        bombed[group.rows] = group.actions[:, 1 - group.seat] == SPEC.actions.index("bomb")
    by_frozen = pool.member_of == 1
    assert 0 < by_frozen.sum() < ENVS
    np.testing.assert_array_equal(bombed, by_frozen)


def test_seats_are_half_and_half_and_the_counts_go_to_the_right_one() -> None:
    pool = make_pool(("idle", SELF), every=10**9)
    arena = make_arena(pool)
    assert [(group.seat, group.batch.num_envs) for group in arena.groups] == [(0, 6), (1, 6)]
    scored: dict[int, list[float]] = {0: [], 1: []}
    play(arena, 1)
    for tick in range(300):
        members = pool.member_of.copy()
        play(arena, 1, seed=tick)
        for row in np.flatnonzero(arena.terminated | arena.truncated):
            values = dict(zip(SPEC.statistics, arena.final_statistics[row], strict=True))
            scored[int(members[row])].append((1 + values["wins"] - values["losses"]) / 2)
    for number, scores in scored.items():
        expected = Member("", 1.0)
        for score in scores:
            expected.note(score)
        assert pool.members[number].episodes == expected.episodes > PRIOR
        assert pool.members[number].score == pytest.approx(expected.score)


def test_policies_are_frozen_at_their_times_and_stay_spread_over_the_run() -> None:
    pool = make_pool((SELF,), size=3, every=10 * ENVS)
    frozen = Numbered()
    arena = make_arena(pool, frozen)
    play(arena, 1)
    assert frozen.keeps == 1 and pool.report()[SELF]["taken"] == [0]
    play(arena, 10)
    assert pool.report()[SELF]["taken"] == [0, 10 * ENVS]
    for _ in range(14):
        play(arena, 10)
        taken = pool.report()[SELF]["taken"]
        assert len(taken) <= 3 and len(set(taken)) == len(taken)
        assert taken[0] == 0 and taken[-1] == frozen.keeps * 10 * ENVS - 10 * ENVS
    assert frozen.keeps == 16
    assert taken == [0, 80 * ENVS, 150 * ENVS]
    # The slots hold what was kept at these times.
    assert sorted(frozen.kept) == [time // (10 * ENVS) for time in taken]


def test_eight_policies_leave_no_gap_in_a_long_run() -> None:
    pool = make_pool((SELF,), size=8, every=ENVS)
    arena = make_arena(pool)
    for _ in range(100):
        play(arena, 1)
        numbers = sorted(member.number for member in pool.members)
        assert numbers[0] == 0 and numbers[-1] == pool.frozen_before - 1
        assert np.diff(numbers).max(initial=0) <= 2 * max(numbers[-1] / 7, 1)


def test_an_episode_whose_opponent_was_replaced_counts_for_nobody() -> None:
    pool = make_pool((SELF,), size=1, every=ENVS)  # replaced every tick: no episode ever counts
    arena = make_arena(pool)
    play(arena, 150)
    assert pool.members[0].episodes == PRIOR and pool.report()[SELF]["episodes"] == 0


def test_settings_that_cannot_play_against_themselves_are_refused() -> None:
    def settings(**changes: Any) -> PolicyConfig:
        return PolicyConfig(out="", reward="game", opponents="hunter,self", **changes).resolved()

    assert settings().others == ("hunter",)
    for changes, words in (
        ({"memory": "gru"}, "without self"),
        ({"pool_size": 0}, "pool_size"),
        ({"snapshot_every": 0}, "snapshot_every"),
    ):
        with pytest.raises(ConfigError, match=words):
            settings(**changes)


def test_an_arena_needs_somebody_to_play_against() -> None:
    with pytest.raises(ConfigError, match="opponent"):
        Arena("blast", (), ENVS, 3, LEVELS)


def test_a_pool_needs_the_learner() -> None:
    with pytest.raises(RuntimeError, match="met"):
        play(Arena("blast", (), ENVS, 3, LEVELS, pool=make_pool()), 1)


# ------------------------------------------------------------------- the same again, and going on


def test_the_same_seed_plays_the_same() -> None:
    first, second = (play(make_arena(make_pool()), 150) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = play(make_arena(make_pool(seed=6)), 150)
    assert (first != other).any()


@pytest.mark.parametrize("names", [NAMES, ("blast/medium", "survivor", SELF)])
def test_a_saved_arena_goes_on_as_the_first_one(names: tuple[str, ...]) -> None:
    def start() -> Arena:
        return make_arena(make_pool(names, temperature=0.5))

    first = start()
    play(first, 120)
    state = {name: array.copy() for name, array in first.save_state().items()}
    second = start()
    second.load_state(state)
    np.testing.assert_array_equal(play(first, 120, seed=1), play(second, 120, seed=1))
    assert first.report() == second.report()


def test_a_model_as_fixed_opponent_goes_on_alike_too() -> None:
    first, second = (Arena("blast", ("blast/medium", "hunter"), ENVS, 3, LEVELS) for _ in range(2))
    play(first, 40)
    second.load_state(first.save_state())
    np.testing.assert_array_equal(play(first, 60, seed=1), play(second, 60, seed=1))


def test_state_of_another_pool_is_refused() -> None:
    arena = make_arena(make_pool())
    play(arena, 5)
    state = arena.save_state()
    for other in (make_pool(("miner", "idle", SELF)), make_pool(("hunter", SELF))):
        with pytest.raises(ConfigError, match=r"run\.json"):
            make_arena(other).load_state(state)
    broken = {**state, "pool/facts": np.frombuffer(b"{}", np.uint8)}
    outside = {**state, "pool/member_of": np.full(ENVS, 99)}
    facts = json.loads(state["pool/facts"].tobytes())
    facts["random"] = {"state": 1}
    random = {**state, "pool/facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)}
    facts = json.loads(state["pool/facts"].tobytes())
    facts["members"][0]["score"] = float("nan")
    unsound = {**state, "pool/facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)}
    for bad in (broken, outside, random, unsound):
        with pytest.raises(ConfigError, match="pool"):
            make_arena(make_pool()).load_state(bad)
