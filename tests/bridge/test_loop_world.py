"""Games of their own loop as a world to learn in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from own_games import GAMES

from engine_plugin.bridge.job import Job
from engine_plugin.bridge.sitting import record
from engine_plugin.errors import ConfigError, TrajectoryError, WorldError
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.manners import Likeness, PlayedRound, manner_names
from engine_plugin.learn.opponents import SELF, OpponentPool
from engine_plugin.learn.worlds import facts_of, open_task
from engine_plugin.learn.worlds.loops import LoopWorld, play_rounds, probe, read_demonstrations
from engine_plugin.learn.worlds.returns import RandomPlayer

PADDLES, TURNS, DUEL, FINGERS = (
    str(GAMES / f"{name}.py") for name in ("paddles", "turns", "duel", "fingers")
)


@pytest.fixture
def world():
    opened = []

    def make(game, num_envs=2, seed=1, **settings):
        opened.append(LoopWorld(Job("act", game), num_envs, 0, seed, **settings))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def run(world, steps, seed=0):
    draw = np.random.default_rng(seed)
    actions = len(world.facts.actions)
    rows = []
    for _ in range(steps):
        world.step(draw.integers(actions, size=world.num_envs).astype(np.uint8))
        rows.append(
            (
                world.observations.copy(), world.next_observations.copy(), world.rewards.copy(),
                world.terminated.copy(), world.returns.copy(), world.lengths.copy(),
            )
        )  # fmt: skip
    return rows


def same(one, other):
    return all(
        np.array_equal(a, b)
        for row, again in zip(one, other, strict=True)
        for a, b in zip(row, again, strict=True)
    )


@pytest.mark.parametrize("game", [PADDLES, TURNS])
def test_a_world_begins_new_rounds_and_adds_up_rewards(world, game):
    rows = run(world(game), 60)
    ended = [number for number, row in enumerate(rows) if row[3][0]]
    assert ended
    at = ended[0]
    assert not np.array_equal(rows[at][0][0], rows[at][1][0])  # the next round, and the last's end
    assert rows[at][5][0] == at + 1 and rows[at][4][0] == sum(row[2][0] for row in rows[: at + 1])
    assert rows[at + 1][5][0] == 1


@pytest.mark.parametrize("game", [PADDLES, TURNS])
def test_a_saved_world_goes_on_alike(world, game):
    played = world(game)
    run(played, 45)
    state = played.save_state()
    rest = run(played, 25, seed=1)
    other = world(game, seed=1)
    run(other, 3)
    other.load_state(state)
    assert same(run(other, 25, seed=1), rest)


def test_a_state_of_another_number_of_games_is_refused(world):
    with pytest.raises(ConfigError, match="another number"):
        world(PADDLES, 1).load_state(world(PADDLES, 2).save_state())


class Still:
    """Frozen policies that go left, the later ones right."""

    def __init__(self):
        self.kept = []

    def keep(self, slot):
        self.kept.append(slot)

    def values(self, slots, observations):
        assert observations.shape == (len(slots), 12)
        return np.stack([np.full(len(slots), -1.0), slots == 0, slots > 0], axis=1)

    def save_state(self):
        return {"kept": np.array(self.kept)}

    def load_state(self, state):
        self.kept = state["kept"].tolist()


@pytest.mark.parametrize("seat", ["left", "right"])
def test_in_self_play_frozen_policies_take_the_other_seat(seat):
    pool, frozen = OpponentPool([], (SELF,), size=2, every=40, seed=3), Still()
    world = LoopWorld(Job("act", DUEL, seat=seat, asks=True), 2, 0, 1, pool=pool)
    world.meet(frozen)
    others = []
    for _ in range(120):
        world.step(np.zeros(2, np.uint8))
        others.append(world.observations[:, 4].copy())
    assert frozen.kept[:2] == [0, 1]
    assert np.ptp(others) > 0.3  # the other one moves, and this one stands
    report = world.report()["pool"]
    assert report[SELF]["episodes"] >= 2
    state = world.save_state()
    world.load_state(state)
    assert np.array_equal(world.observations, state["observations"])
    world.close()


def test_seats_that_show_different_things_cannot_be_one_policy(tmp_path):
    text = (GAMES / "duel.py").read_text()
    unlike = text.replace('"coin": coin}', '"coin": coin, **({"x": 1} if name == "left" else {})}')
    game = tmp_path / "unlike.py"
    game.write_text(unlike)
    with pytest.raises(WorldError, match="show different fields"):
        play_rounds(Job("act", str(game)), RandomPlayer(0), 1, 0, 0, RandomPlayer(1))


def test_rounds_are_the_same_for_the_same_seed_and_short_ones_count_once():
    job = Job("act", TURNS)
    rounds = play_rounds(job, RandomPlayer(0), 6, 3, 5)
    assert len(rounds) == 6 and all(played.terminated for played in rounds)
    again = play_rounds(job, RandomPlayer(0), 6, 3, 5)
    assert [played.score for played in rounds] == [played.score for played in again]


# ------------------------------------------------------------------------------- demonstrations


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Rounds of a script that presses two keys at once now and then."""
    folder = tmp_path_factory.mktemp("shown")
    script = folder / "player.py"
    script.write_text(
        "import random\n"
        "def play(shown):\n"
        "    return random.choice(['wait', 'left', 'left', 'shoot'])\n"
    )
    out = folder / "turns.npz"
    record(
        Job("record", TURNS, out=str(out), player=f"{script}:play", headless=True, rounds=5)
    )
    return str(out)


def test_demonstrations_are_read_in_the_actions_to_learn(shown):
    config = PolicyConfig(out="x", loop=TURNS, demos=shown)
    facts = facts_of(config)
    assert facts.actions[:4] == ("wait", "left", "right", "shoot")
    task = open_task(config.resolved(facts))
    demonstrations = task.demonstrations()
    assert demonstrations.player == "script play" and not demonstrations.has_rewards
    assert demonstrations.transitions.filled > 20
    named = open_task(
        replace(config, actions="wait,left").resolved(facts)
    )
    assert named.facts.actions == ("wait", "left")
    actions = named.demonstrations().transitions.arrays["actions"]
    assert set(np.unique(actions)) == {0, 1}


def test_demonstrations_of_another_game_are_refused(shown):
    with pytest.raises(TrajectoryError, match="game 'paddles'"):
        read_demonstrations(shown, probe(Job("act", PADDLES)))


def test_a_missing_game_file_is_told():
    with pytest.raises(WorldError, match=r"nowhere\.py"):
        facts_of(PolicyConfig(out="x", loop="nowhere.py"))


# ---------------------------------------------------------------------------------------- style


def rounds_with(share, mean, count=20, seed=0):
    draw = np.random.default_rng(seed)
    return [
        PlayedRound(
            draw.normal(mean, 1, (50, 12)).astype(np.float32),
            (draw.random(50) < share).astype(np.uint8),
        )
        for _ in range(count)
    ]


def test_the_style_score_is_0_for_random_play_and_1_for_the_demonstrator():
    facts = replace(probe(Job("act", DUEL)).facts, actions=("a", "b"))
    shown, random = rounds_with(0.9, 2), rounds_with(0.5, 0, seed=1)
    likeness = Likeness(shown, random, facts)
    assert likeness.score(shown) == 1
    assert likeness.score(random) == 0
    between = likeness.score(rounds_with(0.8, 1.5, seed=2))
    low, high = likeness.interval(rounds_with(0.8, 1.5, seed=2))
    assert 0.5 < low < between < high < 0.95
    assert likeness.score(rounds_with(0.1, -2, seed=3)) < 0
    assert likeness.profile["share of b"] == pytest.approx(0.9, abs=0.03)
    assert len(manner_names(facts)) == 3 + 2 * 12


def test_what_no_play_changes_is_no_manner():
    facts = replace(probe(Job("act", DUEL)).facts, actions=("a", "b"))
    shown, random = rounds_with(0.9, 2), rounds_with(0.5, 0, seed=1)
    for played in [*shown, *random]:
        played.observations[:, 3] = 0.25
    likeness = Likeness(shown, random, facts)
    assert "me[3] mean" not in likeness.profile and "me[0] mean" in likeness.profile
