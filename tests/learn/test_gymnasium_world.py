"""Gymnasium envs as worlds: what is read from their spaces, what a step gives, going on alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gymnasium")

import small_envs
from gymnasium import spaces

from engine_plugin.card import hash_of
from engine_plugin.errors import ConfigError, WorldError
from engine_plugin.facts import ForeignField
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.worlds import gymnasium as gymnasium_module
from engine_plugin.learn.worlds.gymnasium import (
    EVALUATION,
    TRAINING,
    VALIDATION,
    GymnasiumTask,
    GymnasiumWorld,
    episode_seed,
    gymnasium_facts,
    read_spaces,
)
from engine_plugin.learn.worlds.returns import RandomPlayer, play_returns

LEFT, RIGHT = 0, 1
CORRIDOR = "small/Corridor-vector-v0"


def world(num_envs: int = 1, env: str = CORRIDOR, **settings: object) -> GymnasiumWorld:
    return GymnasiumWorld(env, num_envs, TRAINING, 5, **settings)  # type: ignore[arg-type]


def walk(shown: GymnasiumWorld, *actions: int) -> None:
    for action in actions:
        shown.step(np.full(shown.num_envs, action, np.uint8))


@pytest.mark.parametrize(
    ("env", "kind", "dtype", "shape"),
    [
        ("vector", "vector", "float32", (3,)),
        ("image", "image", "uint8", (5, 5, 2)),
        ("bytes", "image", "uint8", (5, 5, 1)),
        ("id", "categories", "uint8", (1,)),
        ("ids", "categories", "float32", (2,)),
        ("bits", "vector", "uint8", (8,)),
    ],
)
def test_facts_follow_from_the_spaces(
    env: str, kind: str, dtype: str, shape: tuple[int, ...]
) -> None:
    facts = gymnasium_facts(f"small/Corridor-{env}-v0")
    assert (facts.observation_kind, facts.observation_dtype) == (kind, dtype)
    assert facts.observation_shape == shape
    assert facts.actions == ("action 0", "action 1")
    assert facts.layout_hash == hash_of(facts.layout())
    played = world(3, f"small/Corridor-{env}-v0")
    walk(played, RIGHT, RIGHT)
    assert played.observations.shape == (3, *shape) and str(played.observations.dtype) == dtype


def test_fields_carry_names_and_ranges() -> None:
    facts = gymnasium_facts("CartPole-v1")
    assert [field.name for field in facts.fields] == [
        "observation[0:1]", "observation[1:2]", "observation[2:3]", "observation[3:4]",
    ]
    assert facts.fields[0].high == pytest.approx(4.8)
    assert facts.fields[1] == ForeignField("observation[1:2]", (1,), None, None)
    assert gymnasium_facts("small/Corridor-ids-v0").categories == (5, 300)


def test_another_layout_has_another_hash() -> None:
    names = ("vector", "image", "bytes", "id", "ids", "bits")
    hashes = {gymnasium_facts(f"small/Corridor-{name}-v0").layout_hash for name in names}
    assert len(hashes) == len(names)


def test_a_module_may_stand_before_the_id_and_is_no_part_of_the_name() -> None:
    name = "fastenv.adapters.gymnasium:fastenv/Race-v0"
    assert gymnasium_facts(name).name == "fastenv/Race-v0"


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ("small/Corridor-dict-v0", "Dict space; supported are"),
        ("Pendulum-v1", "expected Discrete actions"),
        ("NoSuchEnv-v0", "NoSuchEnv"),
        ("no_such_module:Env-v0", "no_such_module"),
    ],
)
def test_what_is_not_supported_is_refused_with_what_is(env: str, message: str) -> None:
    with pytest.raises(WorldError, match=message):
        gymnasium_facts(env)


def test_an_end_by_the_rules_shows_its_own_last_observation() -> None:
    played = world()
    first = played.observations[0, 2]
    walk(played, RIGHT, RIGHT, RIGHT)
    assert not played.terminated[0] and played.returns[0] == -0.75 and played.lengths[0] == 3
    walk(played, RIGHT)
    assert played.terminated[0] and not played.truncated[0] and played.rewards[0] == 1
    assert played.next_observations[0].tolist() == [4, 4, first]
    assert (played.returns[0], played.lengths[0]) == (0.25, 4)
    # The new episode has begun, and with another number drawn.
    assert played.observations[0, :2].tolist() == [0, 0] and played.observations[0, 2] != first
    walk(played, RIGHT)
    assert not played.terminated[0] and (played.returns[0], played.lengths[0]) == (-0.25, 1)


def test_a_limit_cuts_and_masks_belong_to_what_they_stand_beside() -> None:
    played = world()
    assert played.allowed.tolist() == [[0, 1]]
    walk(played, RIGHT, LEFT, RIGHT, LEFT, RIGHT)
    assert played.allowed.tolist() == [[1, 1]]
    walk(played, RIGHT)
    assert played.truncated[0] and not played.terminated[0]
    assert played.next_observations[0, :2].tolist() == [2, 6]
    assert played.next_allowed.tolist() == [[1, 1]] and played.allowed.tolist() == [[0, 1]]


def test_every_env_and_every_role_has_episodes_of_its_own() -> None:
    roles = (TRAINING, VALIDATION, EVALUATION)
    seeds = {
        episode_seed(role, seed, env, episode)
        for role in roles for seed in range(3) for env in range(4) for episode in range(5)
    }
    assert len(seeds) == 3 * 3 * 4 * 5
    drawn = world(6).observations[:, 2]
    assert len(set(drawn.tolist())) == 6
    # What an env plays depends on its number, not on how many there are.
    assert world(2).observations[1, 2] == drawn[1]


@pytest.mark.parametrize("steps", (0, 1, 7, 23))
def test_a_saved_world_goes_on_alike(steps: int) -> None:
    first, second = world(3), world(3)
    player = RandomPlayer(1)
    for _ in range(steps):
        first.step(player(first.observations, first.allowed))
    second.load_state(first.save_state())
    for _ in range(15):
        actions = player(first.observations, first.allowed)
        for one in (first, second):
            one.step(actions)
        for name in ("observations", "allowed", "rewards", "next_observations", "terminated",
                     "truncated", "returns", "lengths"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name), name)


def test_a_saved_world_of_another_number_of_envs_is_refused() -> None:
    with pytest.raises(ConfigError, match="another number"):
        world(2).load_state(world(3).save_state())


def test_in_a_judged_world_every_env_plays_one_episode() -> None:
    played = world(4, once=True)
    returns, lengths = play_returns(played, RandomPlayer(0))
    assert played.is_over and lengths.min() >= 4 and lengths.max() <= 6
    assert (returns == np.where(played.terminated, 1.25, 0) - 0.25 * lengths).all()
    walk(played, RIGHT)
    assert (played.lengths == lengths).all()


def test_numbers_that_are_none_and_masks_of_nothing_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played = world()
    monkeypatch.setattr(small_envs.Corridor, "_show", lambda self: np.full(3, np.nan))
    with pytest.raises(WorldError, match="NaN"):
        walk(played, RIGHT)
    with pytest.raises(WorldError, match="NaN"):
        world()  # what a reset shows
    monkeypatch.setattr(small_envs.Corridor, "_show", lambda self: np.zeros(3))
    monkeypatch.setattr(
        small_envs.Corridor, "_info", lambda self: {"action_mask": np.zeros(2, np.int8)}
    )
    with pytest.raises(WorldError, match="no action"):
        walk(played, RIGHT)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("_show", lambda self: np.zeros(4, np.float32), r"shape of \(4,\).*says \(3,\)"),
        ("_show", lambda self: 1 / 0, r"has crashed in step: ZeroDivisionError: division by zero "),
        ("step", lambda self, action: (np.zeros(3), np.nan, False, False, {}), "reward of nan"),
    ],
)
def test_an_env_that_breaks_its_contract_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: Any, says: str
) -> None:
    played = world()
    monkeypatch.setattr(small_envs.Corridor, name, value)
    with pytest.raises(WorldError, match=says):
        walk(played, RIGHT)


def test_an_episode_may_end_where_nothing_is_allowed_and_a_missing_mask_allows_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in board games: the last board has no free cell. `reset` tells no mask here."""
    played = world()
    mask = {"action_mask": np.zeros(2, np.int8)}
    told = [{}, {"action_mask": np.array([1, 0], np.int8)}, {}, {}, mask, {}]
    monkeypatch.setattr(small_envs.Corridor, "_info", lambda self: told.pop(0))
    played = world()
    assert played.allowed.tolist() == [[1, 1]]
    walk(played, RIGHT)
    assert played.allowed.tolist() == [[1, 0]]
    walk(played, RIGHT, RIGHT, RIGHT)
    assert played.terminated[0] and played.next_allowed.tolist() == [[1, 1]]
    assert played.allowed.tolist() == [[1, 1]] and told == []


def test_a_saved_world_that_draws_from_more_than_its_seed_says_where_it_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = world(3), world(3)
    walk(first, RIGHT, RIGHT)
    state = first.save_state()
    assert not second.load_state(state).any()
    state["observations"][1] += 1
    assert second.load_state(state).tolist() == [False, True, False]
    assert second.observations[:, 1].tolist() == [2, 0, 2]


def test_judging_keeps_no_pictures_and_closes_what_it_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed = []
    monkeypatch.setattr(small_envs.Corridor, "close", lambda self: closed.append(1))
    monkeypatch.setattr(gymnasium_module, "play_episodes", None)
    config = PolicyConfig(out="", env="small/Corridor-image-v0", steps=9, evaluation_episodes=5)
    task = GymnasiumTask(config.resolved())
    closed.clear()
    measured = task.judge(None).evaluate(RandomPlayer(1))
    assert set(measured) == {"return", "length", "cut"} and len(closed) == 5


def test_an_image_without_bounds_has_a_layout() -> None:
    space = spaces.Box(-np.inf, np.inf, (8, 8, 3), np.float32)
    facts, _ = read_spaces("x", space, spaces.Discrete(2))
    assert (facts.fields[0].low, facts.fields[0].high) == (None, 1.0)
    assert facts.layout_hash == hash_of(facts.layout())


def test_an_episode_is_cut_off_where_the_env_does_not_end_it_itself() -> None:
    played = world(max_frames=5)
    walk(played, RIGHT, LEFT, RIGHT, LEFT)
    assert not played.truncated[0]
    walk(played, RIGHT)
    assert played.truncated[0] and played.cut[0] and not played.terminated[0]
    assert played.lengths[0] == 5 and played.next_observations[0, 1] == 5
    assert played.observations[0, 1] == 0, "the next episode has begun"
    for limit in (4, 6):  # with the env's own end, by its rules or by its limit
        played = world(max_frames=limit)
        walk(played, *(RIGHT, RIGHT, RIGHT, RIGHT) if limit == 4 else (RIGHT, LEFT) * 3)
        assert played.lengths[0] == limit and not played.cut[0]
        assert played.terminated[0] == (limit == 4) and played.truncated[0] == (limit == 6)


def test_a_world_that_crashed_goes_on_with_another_episode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = small_envs.Corridor.step

    def crashing(self: Any, action: Any) -> Any:
        if self.drawn == fatal:
            raise RuntimeError("broken")
        return step(self, action)

    first, second = world(2), world(2)
    fatal = first.observations[1, 2]
    monkeypatch.setattr(small_envs.Corridor, "step", crashing)
    with pytest.raises(WorldError, match="broken"):
        walk(first, RIGHT)
    assert second.load_state(first.save_state())[1]
    assert second.observations[1, 2] != fatal
    walk(second, RIGHT)
