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


def test_an_end_is_seen_before_the_game_begins_again_by_itself(write_game):
    """As tutorials write it: show, begin anew where it is over, tick."""
    again = GAME.replace("OVER", "").replace("while self.lives", "while True")
    again = again.replace("        clock.tick", "        if not self.lives: self.__init__()\n"
                          "        clock.tick")  # fmt: skip
    env = ai.drive(write_game(again), keys=KEYS, see=SEE, over="self.lives == 0",
                   score="self.points", restart="self.__init__()")  # fmt: skip
    for _ in range(2):
        rows = play(env)
        assert rows[-1][2] and rows[-1][0][-1] == 0 and rows[0][-1] == 2
    env.close()


def test_expressions_may_hold_others(make):
    """The names in a comprehension are the game's too."""
    env = make(see={"near": "sum(side > self.ball.y for side in (10, 20))"})
    shown = [env.reset()[0][0]] + [env.step(0)[0][0] for _ in range(3)]
    assert shown[0] == 2 and shown[-1] == 0


def test_what_is_not_there_in_a_menu_is_waited_for_and_later_told(write_game):
    menu = "self = None\nfor _ in range(30): pygame.display.flip(); clock.tick(60)\n"
    text = menu + GAME.replace("OVER", "").replace("self.show()", "AGAIN; self.show()")
    settings = {"keys": KEYS, "see": {"goal": "self.goal.y"}}
    env = ai.drive(write_game(text.replace("AGAIN", "self.goal = self.ball")), **settings)
    assert env.reset()[0].shape == (1,)
    env.close()
    gone = text.replace("AGAIN", "self.goal = self.ball if self.ball.y < 50 else None")
    env = ai.drive(write_game(gone), **settings)
    with pytest.raises(GameLoopError, match=r"see 'goal': 'self\.goal\.y' has no value"):
        play(env)
    env.close()


def test_what_the_last_frames_paid_is_paid_where_the_game_exits(make):
    env = make(see={"y": "self.ball.y"}, score="self.ball.y + 1000 * (2 - self.lives)")
    rows = play(env, seed=1)
    paid = sum(row[1] for row in rows[1:])
    assert rows[-1][2] and paid == 2_000 - rows[0][0]


def test_a_game_that_restarts_and_then_exits_goes_on_with_a_fresh_process(make):
    env = make(over="self.points + 5 * self.lives < 10", restart="setattr(self, 'points', 9)")
    rounds = [play(env, seed=1), play(env), play(env), play(env)]
    assert all(rows[-1][2] for rows in rounds)


def test_an_action_that_is_none_is_refused_and_the_game_stays(make):
    env = make()
    env.reset()
    for action in (3, -1, 255):
        with pytest.raises(gymnasium.error.InvalidAction, match="0 to 2, stay, left, right"):
            env.step(action)
    shown = env.step(np.int64(2))[0]
    shown /= 2  # it is the caller's own


def test_after_a_crash_it_has_to_be_reset(write_game):
    text = GAME.replace("OVER", "").replace("self.show()", "self.show(); 1 / (self.ball.y < 30)")
    env = ai.drive(write_game(text), keys=KEYS, see=SEE)
    with pytest.raises(GameLoopError, match="ZeroDivisionError"):
        play(env)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)
    env.reset()
    env.step(0)
    env.close()


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
