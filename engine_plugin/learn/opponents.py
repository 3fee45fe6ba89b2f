"""The opponent pool: whom the learner meets in each episode, oftener those to whom it loses.

Members are the opponents that the settings name (scripted players, model files) and, for the name
`self`, frozen earlier policies of the learner. Every env draws its opponent anew when an episode
starts, and keeps it to the end.

The draw is prioritised fictitious self-play (Vinyals et al. 2019, AlphaStar, Methods): the learner
should meet those whom it does not beat yet. With s_i the learner's mean score against member i
(1 won, 1/2 drawn, 0 lost, in between where a win pays less, see learn/arena.py),

    P(i) is proportional to n_i max((1 - s_i)^p, FLOOR),    p = POWER,

that article's f_hard(x) = (1 - x)^p. Whom one always beats would never be drawn again, and one
would not notice having forgotten how: hence the floor. n_i is how often the settings name i; the
frozen policies share the n of `self` evenly, so that a fuller pool does not crowd out the others.

s_i is a running mean that starts at 1/2 as if PRIOR episodes had been drawn, and of which a new
episode changes at least a share of 1 / MEMORY: the learner changes, and old results with it.

Needs no TensorFlow: what a frozen policy is, only `Frozen` knows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from engine_plugin.errors import ConfigError
from engine_plugin.learn.acting import values_to_actions
from engine_plugin.learn.agents import Agent, allowed_actions, restore_stream, stream_state
from fastenv import BatchEnv

SELF = "self"
POWER = 2.0
FLOOR = 0.05
PRIOR = 10
MEMORY = 200

NOBODY = -1
"""In an env whose opponent is still to be drawn."""


class Frozen(Protocol):
    """Frozen policies of one learner, in numbered slots."""

    def keep(self, slot: int) -> None:
        """Freeze the learner's policy as it is now, into a new slot or in place of an old one."""

    def values(self, slots: np.ndarray, observations: np.ndarray) -> np.ndarray:
        """What the policies in `slots`, int [n], say of observations uint8 [n, obs_size]:
        float32 [n, actions]."""

    def save_state(self) -> dict[str, np.ndarray]:
        """All of them, as arrays for a checkpoint."""

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a saved state. Raises ConfigError where it does not fit."""


@dataclass
class Member:
    """Somebody to be drawn.

    name: of the opponent, or SELF; times: how often the settings name it, 0 for a frozen policy
    score: the learner's running mean; episodes: how many went into it, PRIOR included
    taken: of a frozen policy, the env steps of its moment; number: how many were frozen before it
    """

    name: str
    times: float
    score: float = 0.5
    episodes: int = PRIOR
    taken: int = 0
    number: int = 0

    def note(self, score: float) -> None:
        """One more episode."""
        self.episodes += 1
        self.score += (score - self.score) / min(self.episodes, MEMORY)


class OpponentPool:
    """Members, and who of them sits in which env.

    members: the named ones, then the frozen ones by slot
    member_of: int [num_envs], number of the member that plays in each env
    """

    def __init__(
        self,
        agents: Sequence[Agent],
        names: Sequence[str],
        size: int,
        every: int,
        temperature: float = 0.0,
        seed: int = 0,
    ):
        """agents: one for each of the names but SELF; names: with repetitions, SELF among them

        size: most frozen policies; every: env steps between two of them; temperature: with which
        they play, 0 for the best action
        """
        times = Counter(names)
        self.agents = tuple(agents)
        self.size, self.every, self.temperature = size, every, temperature
        self.own_times = times.pop(SELF)
        self.named = len(agents)
        self.members = [
            Member(agent.name, number)
            for agent, number in zip(agents, times.values(), strict=True)
        ]
        self.random = np.random.default_rng(seed)
        self.frozen: Frozen | None = None
        self.steps, self.due, self.frozen_before = 0, 0, 0
        self.member_of = np.zeros(0, int)
        self.counts = np.zeros(0, bool)
        self._seated: list[list[Agent]] = []
        self._met: Counter[str] = Counter()

    # ------------------------------------------------------------------------------- the members

    def meet(self, frozen: Frozen) -> None:
        """Take the learner in; needed before the first step."""
        self.frozen = frozen

    def probabilities(self) -> np.ndarray:
        """P(i) above, float64 [members]."""
        scores = np.array([member.score for member in self.members])
        times = np.array([member.times for member in self.members])
        times[self.named :] = self.own_times / max(len(self.members) - self.named, 1)
        weights = times * np.maximum((1 - scores) ** POWER, FLOOR)
        return np.asarray(weights / weights.sum())

    def report(self) -> dict[str, Any]:
        """Of every name the learner's score, the share of the draw and the episodes since the last
        report; of the frozen policies together their mean score, and when each was taken."""
        shares = self.probabilities()
        rows: dict[str, Any] = {}
        for name in dict.fromkeys(member.name for member in self.members):
            own = [i for i, member in enumerate(self.members) if member.name == name]
            rows[name] = {
                "score": round(float(np.mean([self.members[i].score for i in own])), 4),
                "share": round(float(shares[own].sum()), 4),
                "episodes": self._met[name],
            }
        if SELF in rows:
            rows[SELF]["taken"] = sorted(member.taken for member in self.members[self.named :])
        self._met.clear()
        return rows

    def _freeze(self) -> None:
        """Take the learner's policy of this moment in; of too many one goes."""
        assert self.frozen is not None
        slot = len(self.members) - self.named
        if slot < self.size:
            self.members.append(Member(SELF, 0.0))
        else:
            slot = self._dispensable()
        self.frozen.keep(slot)
        number = self.named + slot
        self.members[number] = Member(SELF, 0.0, taken=self.steps, number=self.frozen_before)
        self.frozen_before += 1
        # Whoever was playing against the one that went plays on against another; such an episode
        # is no result of either.
        orphans = self.member_of == number
        self._draw_for(orphans)
        self.counts[orphans] = False

    def _dispensable(self) -> int:
        """The slot that the next frozen policy takes over, so that the others stay spread over the
        run: that of the number that the fewest powers of 2 divide (0 they all do), of equals the
        oldest. What remains are multiples of a power of 2 that grows with the run."""
        numbers = [member.number for member in self.members[self.named :]]
        return min(range(len(numbers)), key=lambda slot: (_twos(numbers[slot]), numbers[slot]))

    def _draw_for(self, envs: np.ndarray) -> None:
        """New opponents in these envs, bool [num_envs]."""
        count = int(envs.sum())
        if count:
            chosen = self.random.choice(len(self.members), count, p=self.probabilities())
            self.member_of[envs] = chosen

    # ------------------------------------------------------------------------------------ playing

    def seat(self, groups: int, num_envs: int) -> None:
        """Make room for an arena's envs, in groups that are stepped apart."""
        seeds = self.random.integers(1 << 32, size=(groups, self.named))
        self._seated = [
            [agent.fresh(int(seed)) for agent, seed in zip(self.agents, row, strict=True)]
            for row in seeds
        ]
        self.member_of = np.full(num_envs, NOBODY)
        self.counts = np.ones(num_envs, bool)

    def act(self, seats: Sequence[tuple[BatchEnv, int, slice]], safety: str) -> np.ndarray:
        """The opponents' actions, uint8 [num_envs]: for every group its batch, the opponents' seat
        and its envs among all. Frozen policies act in one call for all their envs, by the rule and
        the safety filter that the exported model would have."""
        self.advance()
        actions = np.zeros(len(self.member_of), np.uint8)
        observations, allowed = [], []
        for (batch, seat, rows), agents in zip(seats, self._seated, strict=True):
            here, members = actions[rows], self.member_of[rows]
            for number in np.unique(members[members < self.named]):
                theirs = members == number
                here[theirs] = agents[number].act(batch, seat)[theirs]
            theirs = members >= self.named
            if theirs.any():
                observations.append(batch.observations[theirs, seat])
                allowed.append(allowed_actions(batch, seat, safety)[theirs])
        if observations:
            own = np.flatnonzero(self.member_of >= self.named)
            actions[own] = self.answer(own, np.concatenate(observations), np.concatenate(allowed))
        return actions

    def advance(self) -> None:
        """A step of all envs begins: policies are frozen when they are due, and every env has an
        opponent."""
        if self.frozen is None:
            raise RuntimeError("the pool has not met the learner yet")
        if self.steps >= self.due:
            self._freeze()
            self.due = self.steps + self.every
        self._draw_for(self.member_of == NOBODY)
        self.steps += len(self.member_of)

    def answer(
        self, envs: np.ndarray, observations: np.ndarray, allowed: np.ndarray
    ) -> np.ndarray:
        """The actions of the frozen policies that play in `envs`, int [n], for what they see there:
        uint8 [n]."""
        assert self.frozen is not None
        values = self.frozen.values(self.member_of[envs] - self.named, observations)
        return values_to_actions(values, allowed, self.temperature, self.random)

    def note(self, ended: np.ndarray, scores: np.ndarray, groups: Sequence[slice]) -> None:
        """Episodes that ended, bool [num_envs], and the learner's scores there; their envs draw
        new opponents."""
        for row in np.flatnonzero(ended & self.counts):
            member = self.members[self.member_of[row]]
            member.note(float(scores[row]))
            self._met[member.name] += 1
        self.counts[ended] = True
        self._draw_for(ended)
        for rows, agents in zip(groups, self._seated, strict=True):
            for agent in agents:
                agent.forget(ended[rows])

    # --------------------------------------------------------------------------- saving, restoring

    def save_state(self) -> dict[str, np.ndarray]:
        """All that the pool needs to go on alike, as arrays for a checkpoint."""
        assert self.frozen is not None
        facts = {
            "members": [asdict(member) for member in self.members],
            "steps": self.steps,
            "due": self.due,
            "frozen_before": self.frozen_before,
            "met": dict(self._met),
            "random": self.random.bit_generator.state,
            "streams": [
                [stream_state(agent) for agent in agents] for agents in self._seated
            ],
        }
        return {
            "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
            "member_of": self.member_of,
            "counts": self.counts,
            **{f"frozen/{name}": array for name, array in self.frozen.save_state().items()},
        }

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a saved state. Raises ConfigError where it does not fit."""
        assert self.frozen is not None
        try:
            facts = json.loads(state["facts"].tobytes())
            members = [Member(**values) for values in facts["members"]]
            self._check_fits(members, state["member_of"], state["counts"])
            self.random.bit_generator.state = facts["random"]
            for agents, streams in zip(self._seated, facts["streams"], strict=True):
                for agent, stream in zip(agents, streams, strict=True):
                    restore_stream(agent, stream)
            self.steps, self.due = int(facts["steps"]), int(facts["due"])
            self.frozen_before = int(facts["frozen_before"])
            self._met = Counter({str(name): int(met) for name, met in facts["met"].items()})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"the checkpoint's opponent pool is damaged: {error}") from error
        self.members = members
        self.member_of = state["member_of"].astype(int)
        self.counts = state["counts"].astype(bool)
        self.frozen.load_state(
            {
                name.removeprefix("frozen/"): array
                for name, array in state.items()
                if name.startswith("frozen/")
            }
        )

    def _check_fits(
        self, members: list[Member], member_of: np.ndarray, counts: np.ndarray
    ) -> None:
        """Raise ConfigError unless a saved pool is of these opponents, envs and size."""
        named = [(member.name, member.times) for member in members[: self.named]]
        if (
            named != [(member.name, member.times) for member in self.members[: self.named]]
            or {(member.name, member.times) for member in members[self.named :]} - {(SELF, 0)}
            or not all(
                0 <= member.score <= 1 and member.episodes >= PRIOR and member.number >= 0
                for member in members
            )
            or len(members) > self.named + self.size
            or member_of.shape != self.member_of.shape
            or counts.shape != self.counts.shape
            or not ((member_of >= NOBODY) & (member_of < len(members))).all()
        ):
            raise ConfigError(
                "the checkpoint's opponent pool is of other opponents, or of another size: resume "
                "with the settings in run.json"
            )


def _twos(number: int) -> float:
    """How often 2 divides a number."""
    return float("inf") if number == 0 else (number & -number).bit_length() - 1
