"""The vector env keeps Gymnasium's conventions and plays as so many single envs do."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import fastenv

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.vector import AutoresetMode  # noqa: E402

ENTRY = "vector_entry_point"
IDS = {
    "blast": "fastenv.adapters.gymnasium:fastenv/Blast-v0",
    "race": "fastenv.adapters.gymnasium:fastenv/Race-v0",
}


def make(game="blast", num_envs=4, **options):
    return gymnasium.make_vec(IDS[game], num_envs, vectorization_mode=ENTRY, **options)


def played(envs, seed, steps):
    """Every buffer of `steps` random legal steps, as Gymnasium hands them out."""
    random = np.random.default_rng(seed)
    observations, infos = envs.reset(seed=seed)
    seen = [(observations, infos)]
    for _ in range(steps):
        wishes = random.random(infos["action_mask"].shape) * infos["action_mask"]
        observations, *rest, infos = envs.step(wishes.argmax(axis=1))
        seen.append((observations, *rest, infos))
        _, terminated, truncated = rest
        ended = terminated | truncated
        if envs.metadata["autoreset_mode"] is AutoresetMode.DISABLED and ended.any():
            # Gymnasium keeps the mask's options to itself, and knows no masks of the other envs.
            observations, started = envs.reset(options={"reset_mask": ended.copy()})
            mask = np.where(ended[:, None], started["action_mask"], infos["action_mask"])
            infos = {"action_mask": mask, "_action_mask": started["_action_mask"]}
            seen.append((observations, infos))
    return seen


@pytest.mark.parametrize("game", IDS)
def test_made_by_name_without_a_warning(game):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        envs = make(game, 3)
        observations, infos = envs.reset(seed=1)
    assert observations in envs.observation_space and observations.dtype == np.uint8
    assert envs.num_envs == 3 and envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert infos["action_mask"].shape == (3, len(envs.spec_of_game.actions))
    envs.close()


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize("game", IDS)
def test_it_plays_as_gymnasiums_own_vector_of_single_envs_does(game, mode):
    """Same observations, rewards, ends and infos, from the same seeds and actions."""
    ours = make(game, opponent="survivor", autoreset_mode=mode)
    theirs = gymnasium.make_vec(
        IDS[game],
        4,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": mode},
        opponent="survivor",
    )
    ends = 0
    for own, other in zip(played(ours, 5, 500), played(theirs, 5, 500), strict=True):
        for mine, yours in zip(own[:-1], other[:-1], strict=True):
            assert np.array_equal(mine, yours) and mine.dtype == yours.dtype
        ends += int("final_obs" in own[-1] or "statistics" in own[-1])
        assert_same_infos(own[-1], other[-1])
    assert ends >= 4


def assert_same_infos(own, other):
    assert set(own) == set(other)
    for key, value in other.items():
        if isinstance(value, dict):
            assert_same_infos(own[key], value)
        elif key == "final_obs":
            for mine, yours in zip(own[key], value, strict=True):
                assert (mine is None) == (yours is None) and np.array_equal(mine, yours)
        else:
            assert np.array_equal(own[key], value) and own[key].dtype == value.dtype, key


def test_the_last_mask_and_counters_stand_where_gymnasiums_wrappers_look():
    from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

    envs = DictInfoToList(RecordEpisodeStatistics(make("blast", 8, opponent="survivor")))
    batch = envs.unwrapped._batch
    random = np.random.default_rng(0)
    envs.reset(seed=1)
    ends = 0
    while ends < 20:
        _, _, terminated, _, infos = envs.step(random.integers(0, 6, 8))
        for index, info in enumerate(infos):
            assert info["action_mask"].tolist() == batch.legal_mask[index, 0].tolist()
            assert ("final_info" in info) == ("episode" in info) == terminated[index]
            if terminated[index]:
                ends += 1
                final = info["final_info"]
                assert final["action_mask"].tolist() == batch.final_legal_mask[index, 0].tolist()
                assert final["statistics"]["ticks"] == info["episode"]["l"]
                assert info["final_obs"].tolist() == batch.final_observations[index, 0].tolist()


def test_ended_envs_wait_for_a_reset_where_autoreset_is_off():
    envs = make("race", 3, opponent="racer", autoreset_mode="Disabled")
    envs.reset(seed=2)
    ended = np.zeros(3, bool)
    while not ended.any():
        observations, _, terminated, truncated, infos = envs.step(np.zeros(3, np.int64))
        ended = terminated | truncated
    assert np.array_equal(infos["_statistics"], ended)
    assert (infos["statistics"]["ticks"] > 0).tolist() == ended.tolist()
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset_mask"):
        envs.step(np.zeros(3, np.int64))
    after, infos = envs.reset(options={"reset_mask": ended})
    assert np.array_equal(after[~ended], observations[~ended])
    clock = envs.spec_of_game.offset("ticks_left")
    assert (after[ended, clock] == 240).all() and np.array_equal(infos["_action_mask"], ended)
    envs.step(np.zeros(3, np.int64))


def test_seeds_levels_and_pictures():
    level = fastenv.builtin_levels(fastenv.game_spec("race"), 9, 1)[0]
    envs = make("race", 2, render_mode="ansi", opponent="idle")
    first, _ = envs.reset(seed=[4, 9], options={"level": level})
    assert np.array_equal(first[0], first[1]), "one level for all"
    text = level.to_text(envs.spec_of_game)
    assert envs.render() == (text, text)
    again, _ = envs.reset(seed=[4, 9], options={"level": level})
    assert np.array_equal(first, again)
    start, _ = envs.reset(seed=4)
    assert np.array_equal(start[0], make("race", 1).reset(seed=4)[0][0])
    assert make("race", 2, render_mode="rgb_array").render()[1].shape == (176, 208, 3)


@pytest.mark.parametrize(
    "actions", [[0, 5], [-1, 0], [0, 0, 0], [0.0, 0.0]], ids=["high", "low", "many", "float"]
)
def test_wrong_actions_are_refused_before_anything_moves(actions):
    envs = make("race", 2)
    before, _ = envs.reset(seed=1)
    with pytest.raises(fastenv.ActionError, match="expected"):
        envs.step(np.array(actions))
    assert np.array_equal(envs._observations(), before)


def test_wrong_options_are_refused():
    for options in ({"learner_seat": 2}, {"render_mode": "svg"}, {"autoreset_mode": "later"}):
        with pytest.raises(ValueError):
            make(**options)
    envs = make("race", 2)
    for mask in (np.ones(3, bool), np.ones(2), [True, True]):
        with pytest.raises(ValueError, match="reset_mask"):
            envs.reset(options={"reset_mask": mask})
    with pytest.raises(ValueError, match="2 seeds"):
        envs.reset(seed=[1])
    with pytest.raises(ValueError, match="seeds from 0"):
        envs.reset(seed=[1, -1])
    with pytest.raises(fastenv.LevelError):
        envs.reset(options={"level": "one.txt"})
