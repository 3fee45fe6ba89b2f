"""The games that can be trained on, behind one door: `contract.py` says what the learner needs.

`matches.py`    our compiled games: matches against scripted players, strength and style
`gymnasium.py`  any Gymnasium env with discrete actions: returns of episodes
`loops.py`      a game's own loop with a seat in it, in processes: score of rounds, and style
"""

from __future__ import annotations

from engine_plugin.facts import GameFacts
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.worlds.contract import Task


def facts_of(config: PolicyConfig) -> GameFacts:
    """The facts of the game that the settings name.

    Raises UnknownGameError, ConfigError or WorldError.
    """
    if config.env:
        from engine_plugin.learn.worlds.gymnasium import gymnasium_facts

        return gymnasium_facts(config.env)
    if config.loop:
        from engine_plugin.learn.worlds.loops import loop_facts

        return loop_facts(config)
    import fastenv

    return fastenv.game_spec(config.game)


def open_task(config: PolicyConfig) -> Task:
    """The task of resolved settings. Raises UnknownGameError or ConfigError."""
    if config.env:
        from engine_plugin.learn.worlds.gymnasium import GymnasiumTask

        return GymnasiumTask(config)
    if config.loop:
        from engine_plugin.learn.worlds.loops import LoopTask

        return LoopTask(config)
    from engine_plugin.learn.worlds.matches import MatchTask

    return MatchTask(config)
