"""Our compiled games as a task: matches against scripted players, judged by strength and style."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

import fastenv
from engine_plugin.learn.agents import load_agent, names_model
from engine_plugin.learn.arena import Arena
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.demonstrations import (
    Demonstrations,
    load_demonstrations,
    recorded_statistics,
)
from engine_plugin.learn.evaluate import (
    YARDSTICK,
    StyleYardstick,
    play_episodes,
    profile,
    strength,
    summary,
)
from engine_plugin.learn.opponents import SELF, OpponentPool
from engine_plugin.learn.payment import Payment
from engine_plugin.learn.worlds.contract import PolicyFunction
from engine_plugin.levels.source import levels_from
from engine_plugin.trajectory import load_trajectories
from fastenv import Level

VALIDATION_SEED = 1_000_003  # levels and matches of the evaluations during training


class MatchTask:
    """A compiled game with the levels and opponents that the settings name.

    Raises UnknownGameError for a game or a scripted player that is not there.
    """

    def __init__(self, config: PolicyConfig):
        self.config = config
        self.facts = fastenv.game_spec(config.game)
        self.symmetries = config.symmetries
        # Models are loaded when they play: an export does without them.
        self.scripted = tuple(name for name in config.others if not names_model(name))
        for name in self.scripted:
            load_agent(name, self.facts)

    @cached_property
    def levels(self) -> list[Level]:
        return levels_from(self.config.levels, self.facts, self.config.seed)

    def world(self, num_envs: int, seed: int) -> Arena:
        config = self.config
        return Arena(
            config.game,
            config.opponent_names,
            num_envs,
            seed,
            self.levels,
            config.safety,
            self._payment,
            self._pool(seed) if SELF in config.opponent_names else None,
        )

    @property
    def _payment(self) -> Payment:
        return Payment(self.config.late_reward, self.config.self_kill_penalty)

    def _pool(self, seed: int) -> OpponentPool:
        config = self.config
        return OpponentPool(
            [load_agent(name, self.facts) for name in config.others],
            config.opponent_names,
            config.pool_size,
            config.snapshot_every,
            config.play_temperature if config.policy == "soft" else 0.0,
            seed,
        )

    def parity_world(self, num_envs: int, seed: int) -> Arena:
        """On the levels that come with the game and against its own players: a run's folder of
        levels, or a model that was an opponent, may be gone by then."""
        return Arena(self.config.game, self.scripted or (YARDSTICK,), num_envs, seed)

    def demonstrations(self) -> Demonstrations | None:
        config = self.config
        if not config.demos:
            return None
        return load_demonstrations(config.demos, self.facts, config.safety, self._payment)

    def judge(self, demonstrations: Demonstrations | None) -> MatchJudge:
        return MatchJudge(self, demonstrations)


class MatchJudge:
    """Validation matches; with demonstrations, also the likeness to their demonstrator: he plays
    the same matches where he can play again, else his recorded episodes count."""

    def __init__(self, task: MatchTask, demonstrations: Demonstrations | None):
        config = task.config
        self.task, self.config, self.spec = task, config, task.facts
        self.selects_style = config.select == "style" or (
            config.select == "auto" and config.reward not in ("game", "mix")
        )
        opponents = config.others or (YARDSTICK,)
        if self.selects_style and demonstrations is not None:
            # None where both seats are demonstrated, as in a tournament's matches.
            opponents = demonstrations.opponents or opponents
        # The demonstrator's opponents where style is judged, else one's own, each once.
        self.opponents = tuple(dict.fromkeys(opponents))
        for name in self.opponents:
            load_agent(name, self.spec)  # one that is gone is told before anything is trained
        self.yardstick = None
        scale = set(fastenv.scripted_player_names(config.game)) - {YARDSTICK}
        if demonstrations is not None and demonstrations.player != YARDSTICK:
            recorded = None
            if demonstrations.player not in scale:
                assert config.demos is not None
                recorded = recorded_statistics(load_trajectories(config.demos), self.spec)
            self.yardstick = StyleYardstick(
                self.spec,
                demonstrations.player,
                self.opponents,
                config.evaluation_episodes,
                VALIDATION_SEED,
                task.levels,
                recorded,
            )

    def evaluate(self, decide: PolicyFunction) -> dict[str, Any]:
        played = play_episodes(
            self.spec,
            decide,
            self.opponents,
            self.config.evaluation_episodes,
            VALIDATION_SEED,
            self.task.levels,
            self.config.safety,
        )
        measured = {
            "against": {
                name: {**summary(self.spec, rows), **self._by_seat(rows)}
                for name, rows in played.items()
            },
            "profile": profile(self.spec, np.concatenate(list(played.values()))),
            "strength": strength(self.spec, played),
        }
        ticks = self.spec.statistics.index("ticks")
        lengths = np.concatenate([rows[:, ticks] for rows in played.values()])
        measured["episode_ticks"] = round(float(lengths.mean()), 1)
        if self.yardstick is not None:
            measured["style"] = self.yardstick.score(played)
        return measured

    def _by_seat(self, rows: np.ndarray) -> dict[str, Any]:
        """Counts from each seat: the episodes of one seat follow those of the other, equally many
        where their number can be shared out."""
        if len(rows) % self.spec.players:
            return {}
        seats = [summary(self.spec, part) for part in np.split(rows, self.spec.players)]
        counts = ("wins", "losses", "draws")
        return {"by_seat": [{name: seat[name] for name in counts} for seat in seats]}

    def compared_with(self) -> dict[str, Any]:
        if self.yardstick is None:
            return {}
        return {
            "profile": self.yardstick.profile,
            "survivor_profile": self.yardstick.survivor_profile,
            "spread": self.yardstick.spread,
        }

    def score(self, line: dict[str, Any]) -> float:
        if self.selects_style and self.yardstick is None and self.config.uses_discriminator:
            return float(line["steps"])  # the survivor's own: no scale, keep the last
        return float(line["style" if self.selects_style and "style" in line else "strength"])

    def brief(self, line: dict[str, Any]) -> str:
        wins = " ".join(
            f"{name} {row['wins']}:{row['losses']}" for name, row in line["against"].items()
        )
        return (f"style {line['style']:.2f} " if "style" in line else "") + wins

    def text(self, line: dict[str, Any]) -> str:
        rates = " ".join(f"{rate} {value:.2f}" for rate, value in line["profile"].items())
        pool = " ".join(
            f"{name} {row['score']:.0%} of {row['episodes']}"
            for name, row in line.get("pool", {}).items()
        )
        return f"{self.brief(line)} · {rates}" + (f" · pool: {pool}" if pool else "")
