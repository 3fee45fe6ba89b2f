"""The adapters keep the contracts of Gymnasium and PettingZoo, and the rules stay fastenv's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import fastenv
from tests.fastenv.scenario import ACTIONS, SPEC

gymnasium = pytest.importorskip("gymnasium")
pettingzoo = pytest.importorskip("pettingzoo")

from fastenv.adapters.pettingzoo import parallel_env  # noqa: E402

ENV_ID = "fastenv.adapters.gymnasium:fastenv/Blast-v0"
RACE_ID = "fastenv.adapters.gymnasium:fastenv/Race-v0"
LEVEL = fastenv.Level.from_text(
    "\n".join(["#" * 13, "#1.........2#", *["#...........#"] * 8, "#" * 13]), SPEC
)


def make(**options):
    return gymnasium.make(ENV_ID, **options)


# ---------------------------------------------------------------------------------- Gymnasium


@pytest.mark.parametrize("env_id", [ENV_ID, RACE_ID])
@pytest.mark.parametrize("seat", [0, 1])
def test_check_env_passes_without_a_warning(seat, env_id):
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(env_id, learner_seat=seat).unwrapped)


def test_the_same_seed_plays_the_same_episodes():
    def play() -> list[bytes]:
        env, random = make(opponent="hunter"), np.random.default_rng(2)
        observation, info = env.reset(seed=12)
        seen = [observation.tobytes()]
        for _ in range(400):
            mask = info["action_mask"]
            observation, reward, terminated, truncated, info = env.step(
                int(random.choice(np.flatnonzero(mask)))
            )
            seen.append(observation.tobytes() + repr((reward, terminated, truncated)).encode())
            if terminated or truncated:
                observation, info = env.reset()
                seen.append(observation.tobytes())
        return seen

    assert play() == play()


def test_an_unseeded_reset_differs_from_env_to_env():
    assert len({make().reset()[0].tobytes() for _ in range(8)}) > 1


def test_the_level_option_holds_for_one_episode():
    env = make()
    observation, _ = env.reset(seed=1, options={"level": LEVEL})
    shown = observation[:143].reshape(11, 13) & 15
    assert np.array_equal(shown == 1, LEVEL.tiles == 1) and shown.max() == 1
    assert any(
        (env.reset()[0][:143].reshape(11, 13) & 15 == 2).any() for _ in range(3)
    ), "built-in levels have crates"
    with pytest.raises(fastenv.LevelError, match=r"fastenv\.Level"):
        env.reset(options={"level": "one.txt"})


def test_what_is_handed_out_is_a_copy():
    env = make(opponent="idle")
    first, info = env.reset(seed=1, options={"level": LEVEL})
    kept, kept_mask = first.copy(), info["action_mask"].copy()
    env.step(ACTIONS["bomb"])
    assert np.array_equal(first, kept) and np.array_equal(info["action_mask"], kept_mask)


def test_a_lost_episode_ends_with_its_statistics():
    env = make(opponent="idle")
    _, info = env.reset(seed=1, options={"level": LEVEL})
    assert info["action_mask"].dtype == np.int8 and "statistics" not in info
    rewards = []
    for action in ["bomb", *["wait"] * 8]:
        _, reward, terminated, truncated, info = env.step(ACTIONS[action])
        rewards.append(reward)
    assert rewards == [0.0] * 8 + [-1.0] and terminated and not truncated
    assert info["statistics"]["self_kills"] == 1 and info["statistics"]["ticks"] == 9


def test_the_learner_sits_where_it_was_asked_to():
    env = make(learner_seat=1, opponent="idle")
    observation, _ = env.reset(seed=1, options={"level": LEVEL})
    assert observation[SPEC.offset("seat")] == 1
    assert observation[SPEC.offset("own_column")] == 11
    observation, *_ = env.step(ACTIONS["left"])
    assert observation[SPEC.offset("own_column")] == 10


@pytest.mark.parametrize(
    "options, error",
    [
        ({"learner_seat": 2}, ValueError),
        ({"opponent": "boss"}, fastenv.UnknownGameError),
        ({"render_mode": "svg"}, ValueError),
        ({"levels": []}, fastenv.LevelError),
    ],
)
@pytest.mark.filterwarnings("ignore:.*render_mode")
def test_wrong_options_are_refused(options, error):
    with pytest.raises(error):
        make(**options)


@pytest.mark.parametrize("action", [-1, 6, 262])
def test_an_action_out_of_range_is_refused_before_anything_moves(action):
    env = make()
    env.reset(seed=1, options={"level": LEVEL})
    before = env.unwrapped._env.snapshot()["tick"]
    with pytest.raises((fastenv.ActionError, AssertionError)):
        env.unwrapped.step(action)
    assert env.unwrapped._env.snapshot()["tick"] == before


def test_the_text_and_the_picture_show_the_board():
    env = make(render_mode="ansi", opponent="idle")
    env.reset(seed=1, options={"level": LEVEL})
    lines = env.render().splitlines()
    assert lines[1] == "#1.........2#" and [len(line) for line in lines] == [13] * 11
    for action in ("bomb", "right"):
        env.step(ACTIONS[action])
    assert env.render().splitlines()[1] == "#o1........2#"
    picture_env = make(render_mode="rgb_array", opponent="idle")
    picture_env.reset(seed=1, options={"level": LEVEL})
    before = picture_env.render()
    assert before.shape == (176, 208, 3) and before.dtype == np.uint8
    picture_env.step(ACTIONS["right"])
    after = picture_env.render()
    changed = np.argwhere((before != after).any(axis=2)) // 16
    assert {tuple(cell) for cell in changed.tolist()} == {(1, 1), (1, 2)}


# --------------------------------------------------------------------------------- PettingZoo


@pytest.mark.parametrize("game", ["blast", "race"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_parallel_api_test_passes_without_a_warning(game):
    pytest.importorskip("pygame", reason="pettingzoo.test loads a board game drawn with pygame")
    from pettingzoo.test import parallel_api_test

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(parallel_env(game), num_cycles=1000)


def play_parallel(seed: int, steps: int) -> list[tuple]:
    """What two random players see over `steps` ticks, episode after episode."""
    env, random = parallel_env(), np.random.default_rng(seed)
    observations, infos = env.reset(seed=seed)
    seen: list[tuple] = []
    for _ in range(steps):
        actions = {
            agent: int(random.choice(np.flatnonzero(infos[agent]["action_mask"])))
            for agent in env.agents
        }
        observations, rewards, terminated, truncated, infos = env.step(actions)
        seen.append(
            (
                {agent: each.tobytes() for agent, each in observations.items()},
                rewards,
                terminated,
                truncated,
                repr(infos),
                tuple(env.agents),
            )
        )
        if not env.agents:
            observations, infos = env.reset()
    return seen


def test_five_hundred_steps_from_the_same_seed_are_the_same():
    first = play_parallel(3, 500)
    assert first == play_parallel(3, 500)
    assert first != play_parallel(4, 500)
    assert any(terminated["player_1"] for _, _, terminated, *_ in first)


def test_both_agents_end_together_with_opposite_rewards():
    env = parallel_env()
    env.reset(seed=1, options={"level": LEVEL})
    for action in ["bomb", *["wait"] * 8]:
        observations, rewards, terminated, _, infos = env.step(
            {"player_1": ACTIONS[action], "player_2": 0}
        )
    assert rewards == {"player_1": -1.0, "player_2": 1.0}
    assert terminated == {"player_1": True, "player_2": True}
    assert infos["player_2"]["statistics"]["wins"] == 1
    assert set(observations) == {"player_1", "player_2"} and env.agents == []


def test_actions_of_the_wrong_agents_are_refused():
    env = parallel_env()
    with pytest.raises(fastenv.ActionError, match="reset first"):
        env.step({"player_1": 0, "player_2": 0})
    env.reset(seed=1)
    with pytest.raises(fastenv.ActionError, match="player_2"):
        env.step({"player_1": 0})
    with pytest.raises(fastenv.ActionError, match="0 to 5"):
        env.step({"player_1": 0, "player_2": 9})


def test_the_parallel_env_draws_the_same_board():
    env = parallel_env(render_mode="rgb_array")
    env.reset(seed=1, options={"level": LEVEL})
    assert env.render().shape == (176, 208, 3)
    with pytest.raises(ValueError, match="render_mode"):
        parallel_env(render_mode="human")
