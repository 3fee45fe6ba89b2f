"""A game that has no seat, as a Gymnasium env."""

from __future__ import annotations

import warnings

import numpy as np
import pygame
import pytest

pytest.importorskip("gymnasium")

import gymnasium
from gymnasium.utils.env_checker import check_env

import engine_plugin as ai
from engine_plugin.errors import ConfigError, GameLoopError

GAME = """
import random, sys

class Game:
    def __init__(self):
        self.paddle, self.ball = pygame.Rect(40, 90, 20, 5), pygame.Rect(0, 0, 5, 5)
        self.lives, self.points = 2, 0
        self.drop()

    def drop(self):
        self.ball.midtop = random.randrange(100), 0

    def run(self):
        while self.lives:
            keys = pygame.key.get_pressed()
            self.paddle.x += 3 * (keys[pygame.K_RIGHT] - keys[pygame.K_LEFT])
            self.ball.y += 2
            if self.ball.colliderect(self.paddle):
                self.points += 1
                self.drop()
            elif self.ball.y > 100:
                self.lives -= 1
                self.drop()
            self.show()

    def show(self):
        pygame.display.flip()
        clock.tick(60)

Game().run()
OVER
"""
KEYS = {"stay": [], "left": [pygame.K_LEFT], "right": [pygame.K_RIGHT]}
SEE = {"me": "self.paddle", "ball": "self.ball", "lives": "self.lives"}


@pytest.fixture
def make(write_game):
    envs = []

    def make_env(**settings):
        game = write_game(GAME.replace("OVER", "sys.exit()"))
        settings = {"keys": KEYS, "see": SEE, "score": "self.points", **settings}
        envs.append(ai.drive(game, **settings))
        return envs[-1]

    yield make_env
    for env in envs:
        env.close()


def play(env, seed=None):
    rows = [env.reset(seed=seed)[0].tolist()]
    for step in range(300):
        shown, reward, terminated, truncated, _ = env.step(step % 3)
        rows.append((shown.tolist(), reward, terminated, truncated))
        if terminated or truncated:
            break
    return rows


def test_it_is_a_gymnasium_env(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a number without a declared range
        check_env(make(), skip_render_check=True)


def test_a_round_that_the_game_ends_by_exiting_is_over(make):
    env = make()
    first = play(env, seed=3)
    assert first[-1][2] and not first[-1][3]
    second = play(env)
    assert second[0] != first[0]
    assert play(env, seed=3) == first
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)
    env.reset()


def test_the_game_is_cut_and_told_apart_from_over(make):
    rows = play(make(max_frames=60), seed=1)
    assert rows[-1][3] and not rows[-1][2]


def test_the_end_may_be_an_expression_too(write_game):
    again = GAME.replace("OVER", "").replace("while self.lives", "while True")
    again = again.replace("self.lives -= 1", "self.lives = max(self.lives - 1, 0)")
    settings = {"keys": KEYS, "see": SEE, "over": "self.lives == 0"}
    for restart in ("", "self.__init__()"):
        env = ai.drive(write_game(again), restart=restart, **settings)
        rounds = [play(env, seed=1), play(env)]
        env.close()
        assert all(rows[-1][2] for rows in rounds) and rounds[0] != rounds[1]
        assert rounds[1][0][-1] == 2


def test_names_that_the_game_has_not_are_told(make):
    with pytest.raises(GameLoopError, match="'brick'"):
        make(see={"a": "brick.x"})
    with pytest.raises(GameLoopError, match="expected a Python expression"):
        make(see={"a": "1 +"})


def test_what_cannot_be_is_refused_before_the_game_runs(make, tmp_path):
    with pytest.raises(ConfigError, match="game file"):
        ai.drive(tmp_path / "none.py", keys=KEYS, see=SEE)
    with pytest.raises(ConfigError, match="keys"):
        make(keys={})


def test_fields_have_the_games_own_values(make):
    env = make()
    shown, _ = env.reset(seed=1)
    assert env.facts.fields[2].name == "lives"
    assert shown[-1] == 2
    assert np.isclose(shown[0], 0.5)
