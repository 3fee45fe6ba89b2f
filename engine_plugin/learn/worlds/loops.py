"""A game's own loop with a seat in it as a task: every env is a process in which the game runs.

Judged by the score of unseen rounds and, with demonstrations, by the likeness to the demonstrator.
Round k of env i begins with the seed that (role, seed, i, k) gives, so that an env's state is its
round's number and what was answered since. Needs no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from engine_plugin.bridge.actions import Actions, really_used
from engine_plugin.bridge.actor import Actor, Hello
from engine_plugin.bridge.job import ROUND_FRAMES, Job
from engine_plugin.bridge.wire import Seen
from engine_plugin.errors import ConfigError, GameLoopError, TrajectoryError, WorldError
from engine_plugin.facts import ForeignGame
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.demonstrations import Demonstrations, demonstrations_of
from engine_plugin.learn.manners import Likeness, PlayedRound
from engine_plugin.learn.opponents import SELF, Frozen, OpponentPool
from engine_plugin.learn.worlds.contract import PolicyFunction, WorldState
from engine_plugin.learn.worlds.returns import (
    RandomPlayer,
    describe_numbers,
    player_of,
    rounds_of,
)
from engine_plugin.trajectory import TrajectoryFile, load_trajectories

# What rounds are for, as the first number of their seeds: none is ever met in another role.
TRAINING, VALIDATION, EVALUATION, PARITY, RANDOM_PLAY = range(20, 25)
MOST_ACTORS = 4  # processes of an evaluation
POOL = "pool/"


def job_of(config: PolicyConfig) -> Job:
    """The game that settings name, to act in. Raises WorldError."""
    path = Path(config.loop).resolve()
    if not path.is_file():
        raise WorldError(f"expected a game file, got {config.loop}")
    return Job(
        "act",
        str(path),
        seat=config.seat,
        max_frames=config.max_frames or ROUND_FRAMES,  # open until the facts are known
        drawing=config.drawing,
        asks=SELF in config.opponent_names,
        actions=tuple(config.actions.split(",")) if config.actions else (),
    )


def probe(job: Job) -> Hello:
    """What the game says of itself when it is started. Raises WorldError."""
    return _probe(job, Path(job.game).stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _probe(job: Job, modified: int) -> Hello:
    actor = Actor(job)
    try:
        while actor.receive().seat != 0:
            actor.answer(0)
    finally:
        actor.close()
    assert actor.hello is not None
    return actor.hello


def loop_facts(config: PolicyConfig) -> ForeignGame:
    """The facts of a game, with the actions that the settings name or that its demonstrations use.

    Raises WorldError, TrajectoryError.
    """
    hello = probe(job_of(config))
    if config.actions or not config.demos:
        return hello.facts
    return read_demonstrations(config.demos, hello)[0]


def read_demonstrations(path: str, hello: Hello) -> tuple[ForeignGame, TrajectoryFile]:
    """The facts with the actions to learn from, and the rounds of a file in these actions.

    hello: with the declared actions, or with those that were chosen before
    Raises TrajectoryError.
    """
    declared = Actions.declared(dict(hello.declared))
    recorded = declared.with_combinations()
    shown = replace(hello.facts, actions=recorded.names)
    file = load_trajectories(path, game=shown.name, layout_hash=shown.layout_hash)
    if not file.episodes:
        raise TrajectoryError(f"{path}: expected a round or more, got none")
    chosen = np.concatenate([episode.actions[:, 0] for episode in file.episodes])
    if hello.facts.actions == declared.names:
        learned, places = really_used(recorded, chosen, declared)
    else:
        learned = declared.named(hello.facts.actions)
        places = np.array([learned.nearest(dict.fromkeys(keys, 1.0)) for keys in recorded.keys])
    facts = replace(hello.facts, actions=learned.names)
    header = replace(
        file.header, actions=len(learned.names), layout_hash=facts.layout_hash
    )
    episodes = tuple(
        replace(
            episode,
            actions=places[episode.actions].astype(np.uint8),
            masks=np.ones((episode.ticks, 1, len(learned.names)), np.uint8),
        )
        for episode in file.episodes
    )
    return facts, TrajectoryFile(header, episodes)


class LoopWorld:
    """N running games as a World (see `contract.World`).

    job: the game, with the actions to choose from; role, seed: which rounds are played
    pool, other: who plays the other seats that have nobody of their own, where the job asks for
        somebody: frozen policies of the learner, or a policy

    returns float64 [N], lengths int64 [N]: of the running round, or of the one that has just ended;
    resting bool [N]: games that `step` leaves as they are. Raises WorldError for a game that does
    what it must not, with the frame's number.
    """

    def __init__(
        self,
        job: Job,
        num_envs: int,
        role: int,
        seed: int,
        pool: OpponentPool | None = None,
        other: PolicyFunction | None = None,
    ) -> None:
        self.job, self.num_envs, self.role, self.seed = job, num_envs, role, seed
        self.pool, self._other = pool, other
        self._rounds = np.zeros(num_envs, np.int64)
        self._answers: list[list[int]] = [[] for _ in range(num_envs)]
        self._actors = [self._start(index) for index in range(num_envs)]
        if pool is not None:
            pool.seat(0, num_envs)
        self.resting = np.zeros(num_envs, bool)
        self.rewards = np.zeros(num_envs, np.float32)
        self.terminated = np.zeros(num_envs, bool)
        self.truncated = np.zeros(num_envs, bool)
        self.returns = np.zeros(num_envs)
        self.lengths = np.zeros(num_envs, np.int64)
        facts = probe(job).facts
        shape, actions = facts.observation_shape, len(facts.actions)
        self.facts = facts
        self.observations = np.zeros((num_envs, *shape), facts.dtype)
        self.next_observations = np.zeros_like(self.observations)
        self.allowed = np.ones((num_envs, actions), np.uint8)
        self.next_allowed = np.ones_like(self.allowed)
        if pool is None:
            self._begin()
        # Else the seat that learns may be the second to speak, and nobody plays the first yet.

    def _start(self, index: int) -> Actor:
        streams = (self.role, self.seed, index)
        return Actor(replace(self.job, streams=streams, first_round=int(self._rounds[index])))

    def _begin(self) -> None:
        """See what every game begins with."""
        for index, seen in self._hear(range(self.num_envs)).items():
            self.observations[index] = seen.values

    def step(self, actions: np.ndarray) -> None:
        playing = np.flatnonzero(~self.resting).tolist()
        begins = self.terminated | self.truncated
        self.returns[begins] = self.lengths[begins] = 0
        self.rewards[:] = 0
        self.terminated[:] = self.truncated[:] = False
        if self.pool is not None:
            self.pool.advance()
        for index in playing:
            self._answer(index, int(actions[index]))
        for index, seen in self._hear(playing).items():
            self.next_observations[index] = seen.values
            self.rewards[index] = seen.reward
            self.terminated[index], self.truncated[index] = seen.terminated, seen.truncated
        self.returns += self.rewards
        self.lengths[playing] += 1
        ended = self.terminated | self.truncated
        if self.pool is not None and ended.any():
            self.pool.note(ended, (1 + np.sign(self.returns)) / 2, [])
        for index in np.flatnonzero(ended).tolist():
            self._rounds[index] += 1
            self._answers[index] = []
        self.observations[playing] = self.next_observations[playing]
        # All of them load their next rounds at the same time.
        for index, seen in self._hear(np.flatnonzero(ended).tolist()).items():
            self.observations[index] = seen.values

    def _answer(self, index: int, action: int) -> None:
        self._answers[index].append(action)
        self._actors[index].answer(action)

    def _hear(self, waiting: Sequence[int]) -> dict[int, Seen]:
        """The next observation of the seat that learns in each of these games; those of other seats
        are answered on the way."""
        heard: dict[int, Seen] = {}
        while waiting:
            asked: list[int] = []
            shown: list[np.ndarray] = []
            for index in waiting:
                seen = self._actors[index].receive()
                if seen.seat == 0:
                    heard[index] = seen
                else:
                    asked.append(index)
                    shown.append(seen.values)
            if asked:
                chosen = self._answers_of_others(np.array(asked), np.stack(shown))
                for index, action in zip(asked, chosen.tolist(), strict=True):
                    self._answer(index, action)
            waiting = asked
        return heard

    def _answers_of_others(self, envs: np.ndarray, shown: np.ndarray) -> np.ndarray:
        allowed = self.allowed[envs]
        if self.pool is not None:
            return self.pool.answer(envs, shown, allowed)
        assert self._other is not None
        return self._other(shown, allowed)

    def meet(self, frozen: Frozen) -> None:
        if self.pool is not None:
            self.pool.meet(frozen)
            self.pool.advance()
            self._begin()

    def report(self) -> dict[str, Any]:
        return {} if self.pool is None else {"pool": self.pool.report()}

    def save_state(self) -> WorldState:
        """Every env's round by its number and what was answered since its start."""
        state: WorldState = {
            "rounds": self._rounds.copy(),
            "answered": np.array([len(answers) for answers in self._answers], np.int64),
            "answers": np.array([a for answers in self._answers for a in answers], np.uint8),
            "observations": self.observations.copy(),
            "returns": self.returns.copy(),
            "lengths": self.lengths.copy(),
            "ended": self.terminated | self.truncated,
        }
        if self.pool is not None:
            state |= {f"{POOL}{name}": array for name, array in self.pool.save_state().items()}
        return state

    def load_state(self, state: WorldState) -> np.ndarray:
        """Play every game to where it was. One that does not show the same again (a round of it
        depends on more than its seed) begins its next round instead."""
        if len(state.get("rounds", ())) != self.num_envs:
            raise ConfigError(
                "the checkpoint's games are of another number: resume with the settings in run.json"
            )
        self.close()
        self._rounds = state["rounds"].copy()
        self._answers = [[] for _ in range(self.num_envs)]
        self.returns, self.lengths = state["returns"].copy(), state["lengths"].copy()
        self.terminated, self.truncated = state["ended"].copy(), np.zeros(self.num_envs, bool)
        self._actors = [self._start(index) for index in range(self.num_envs)]
        if self.pool is not None:
            self.pool.load_state(
                {
                    name.removeprefix(POOL): array
                    for name, array in state.items()
                    if name.startswith(POOL)
                }
            )
        begun_anew = np.zeros(self.num_envs, bool)
        stops = np.cumsum(state["answered"]).tolist()
        for index, stop in enumerate(stops):
            answers = state["answers"][stop - state["answered"][index] : stop].tolist()
            if not self._plays_again(index, answers, state["observations"][index]):
                self._begin_next(index)
                begun_anew[index] = True
        return begun_anew

    def _plays_again(self, index: int, answers: list[int], expected: np.ndarray) -> bool:
        """Answer a new process as the old one was answered; whether it then shows the same."""
        actor = self._actors[index]
        try:
            seen = actor.receive()
            for action in answers:
                if seen.terminated or seen.truncated:
                    return False
                self._answer(index, action)
                seen = actor.receive()
        except GameLoopError:  # where the run was stopped by one
            return False
        if seen.seat != 0 or seen.terminated or seen.truncated:
            return False
        self.observations[index] = seen.values
        return np.array_equal(seen.values, expected)

    def _begin_next(self, index: int) -> None:
        self._actors[index].close()
        self._rounds[index] += 1
        self._answers[index] = []
        self.returns[index] = self.lengths[index] = 0
        self._actors[index] = self._start(index)
        self.observations[index] = self._hear([index])[index].values

    def close(self) -> None:
        for actor in self._actors:
            actor.close()


def play_rounds(
    job: Job,
    decide: PolicyFunction,
    rounds: int,
    role: int,
    seed: int,
    other: PolicyFunction | None = None,
) -> list[PlayedRound]:
    """Whole rounds of a policy; which ones, (role, seed, rounds) alone decide. `other`: who plays
    the seats that have nobody of their own; None leaves them empty."""
    count = min(rounds, MOST_ACTORS)
    world = LoopWorld(replace(job, asks=other is not None), count, role, seed, other=other)
    left = np.full(count, rounds // count) + (np.arange(count) < rounds % count)
    rows: list[list[np.ndarray]] = [[] for _ in range(count)]
    actions: list[list[int]] = [[] for _ in range(count)]
    played: list[list[PlayedRound]] = [[] for _ in range(count)]
    forget = getattr(decide, "forget", None)
    try:
        while left.any():
            chosen = decide(world.observations, world.allowed)
            for index in np.flatnonzero(left):
                rows[index].append(world.observations[index].copy())
                actions[index].append(int(chosen[index]))
            world.step(chosen)
            ended = (world.terminated | world.truncated) & ~world.resting
            for index in np.flatnonzero(ended):
                played[index].append(
                    PlayedRound(
                        np.array(rows[index], np.float32),
                        np.array(actions[index], np.uint8),
                        float(world.returns[index]),
                        bool(world.terminated[index]),
                    )
                )
                rows[index], actions[index] = [], []
                left[index] -= 1
            if forget is not None and ended.any():
                forget(ended)
            world.resting = left == 0
    finally:
        world.close()
    return [entry for row in played for entry in row]


class LoopTask:
    """A game's own loop as a task. Raises WorldError, TrajectoryError or ConfigError where it
    cannot be."""

    symmetries = 0

    def __init__(self, config: PolicyConfig) -> None:
        self.config = config
        self.facts = loop_facts(config)
        self.job = replace(job_of(config), actions=self.facts.actions)

    def world(self, num_envs: int, seed: int) -> LoopWorld:
        config, pool = self.config, None
        if SELF in config.opponent_names:
            pool = OpponentPool(
                [],
                (SELF,),
                config.pool_size,
                config.snapshot_every,
                config.play_temperature if config.policy == "soft" else 0.0,
                seed,
            )
        return LoopWorld(self.job, num_envs, TRAINING, seed, pool)

    def parity_world(self, num_envs: int, seed: int) -> LoopWorld:
        """A few games are enough: they are only looked at."""
        count = min(num_envs, MOST_ACTORS)
        return LoopWorld(self.job, count, PARITY, seed, other=RandomPlayer(seed))

    def demonstrations(self) -> Demonstrations | None:
        file = self.demonstrated
        return None if file is None else demonstrations_of(file, self.facts)

    @cached_property
    def demonstrated(self) -> TrajectoryFile | None:
        """The file that the settings name, in the actions of the facts."""
        if not self.config.demos:
            return None
        return read_demonstrations(self.config.demos, probe(self.job))[1]

    def judge(self, demonstrations: Demonstrations | None) -> LoopJudge:
        return LoopJudge(self)


class LoopJudge:
    """Validation rounds: their scores and, with demonstrations, the style score."""

    def __init__(self, task: LoopTask) -> None:
        config = task.config
        self.config, self.facts = config, task.facts
        self.job = task.job
        self.likeness = None
        self.selects_style = config.select == "style" or (
            config.select == "auto" and config.reward not in ("game", "mix")
        )
        file = task.demonstrated
        if file is not None:
            random = play_rounds(
                self.job,
                RandomPlayer(0),
                config.evaluation_episodes,
                RANDOM_PLAY,
                0,
                self._company(),
            )
            self.likeness = Likeness(rounds_of(file.episodes), random, self.facts)

    def _company(self) -> PolicyFunction | None:
        """Who sits opposite in self-play: not the learner, whose score against itself is always
        even."""
        return RandomPlayer(1) if self.job.asks else None

    def evaluate(self, decide: PolicyFunction) -> dict[str, Any]:
        episodes = self.config.evaluation_episodes
        rounds = play_rounds(self.job, decide, episodes, VALIDATION, 0, self._company())
        measured: dict[str, Any] = describe_rounds(rounds)
        if self.likeness is not None:
            measured["style"] = round(self.likeness.score(rounds), 4)
            measured["profile"] = self.likeness.profile_of(rounds)
        return measured

    def compared_with(self) -> dict[str, Any]:
        return {} if self.likeness is None else self.likeness.compared_with()

    def score(self, line: dict[str, Any]) -> float:
        if self.selects_style:
            return float(line.get("style", line["steps"]))
        return float(line["return"]["mean"])

    def brief(self, line: dict[str, Any]) -> str:
        style = f"style {line['style']:.2f} " if "style" in line else ""
        return f"{style}score {line['return']['mean']:.1f}"

    def text(self, line: dict[str, Any]) -> str:
        score, length = line["return"], line["length"]["mean"]
        style = f"style {line['style']:.2f}, " if "style" in line else ""
        return f"{style}score {score['mean']:.1f} ± {score['std']:.1f}, {length:.0f} decisions"


def describe_rounds(rounds: Sequence[PlayedRound]) -> dict[str, Any]:
    """Scores and lengths of rounds, JSON-ready."""
    return {
        "return": describe_numbers(np.array([played.score for played in rounds])),
        "length": describe_numbers(np.array([len(played.actions) for played in rounds])),
        "cut": sum(not played.terminated for played in rounds),
    }


def judge_loop(
    model: str,
    config: PolicyConfig,
    episodes: int,
    seed: int,
    style: str | None,
    opponent: str = "",
) -> dict[str, Any]:
    """The `evaluate` command for a game's own loop: scores of a model's rounds, and with the
    demonstrations in `style` how like their player it plays. `opponent`: a model's file or
    bot:random for the seats that have nobody of their own."""
    if episodes < 1:
        raise ConfigError(f"expected at least one episode, got {episodes}")
    job = job_of(config)
    hello = probe(job)
    facts = hello.facts
    if model.endswith(".onnx"):
        from engine_plugin.card import read_card

        facts = replace(facts, actions=read_card(model).actions)
    elif style is not None:
        facts = read_demonstrations(style, hello)[0]
    job = replace(job, actions=facts.actions)
    player, decision = player_of(model, facts, seed)
    other = player_of(opponent, facts, seed + 1)[0] if opponent else None
    rounds = play_rounds(job, player, episodes, EVALUATION, seed, other)
    result = {
        "model": model,
        "game": facts.name,
        "seed": seed,
        "episodes": episodes,
        "decision": decision,
        **describe_rounds(rounds),
    }
    if style is not None:
        file = read_demonstrations(style, probe(job))[1]
        random = play_rounds(job, RandomPlayer(seed), episodes, RANDOM_PLAY, seed, other)
        likeness = Likeness(rounds_of(file.episodes), random, facts)
        result["style"] = {
            "demonstrator": file.header.players[0],
            "score": round(likeness.score(rounds), 4),
            "interval": [round(bound, 4) for bound in likeness.interval(rounds)],
            "profile": likeness.profile_of(rounds),
            "demonstrator_profile": likeness.profile,
            "random_profile": likeness.random_profile,
            "spread": likeness.spread,
        }
    return result
