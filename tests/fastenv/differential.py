"""Playing a compiled game beside its rules in plain Python and comparing every byte, tick by tick.

What is compared, and who plays, stands in compared_games.py. Shared by the tests (short runs), the
stateful tests and the benchmark (a long run).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

import fastenv

Actions = tuple[int, int]
# The survivable masks are compared for these in turn.
CAUTIONS = (0, 1, 3)


class Reference(Protocol):
    """One game of two by the plain rules."""

    terminated: bool
    truncated: bool
    illegal_actions: int

    def copy(self) -> Any: ...

    def possibilities(self) -> Sequence[Any]:
        """The games that this one may be in the next tick: they differ in what was drawn by chance
        and nobody has seen yet."""

    def step(self, actions: Actions) -> tuple[int, int]:
        """One tick; the rewards."""

    def observations(self) -> np.ndarray:
        """uint8 [players, observation size]."""

    def legal_mask(self) -> np.ndarray:
        """uint8 [players, actions]."""

    def survivable_mask(self, seat: int, caution: int = 0) -> np.ndarray:
        """uint8 [actions], by trying every way out."""

    def snapshot(self) -> dict[str, Any]:
        """What the compiled game's snapshot has."""


@dataclass(frozen=True)
class ComparedGame:
    """A game and how it is compared.

    start: the reference's game at the start of an episode on these tiles
    levels: to play on
    pairs: the players in seats 0 and 1; "random" draws from all actions, legal or not
    events: what happened in the last tick, by name; a good comparison meets all of it
    is_threatened: whether survivable masks are worth the time that the reference takes for them
    """

    name: str
    start: Callable[[np.ndarray], Reference]
    levels: Callable[[], list[fastenv.Level]]
    pairs: tuple[tuple[str, str], ...]
    events: Callable[[Any], dict[str, bool]]
    is_threatened: Callable[[Any], bool]

    @property
    def spec(self) -> fastenv.GameSpec:
        return fastenv.game_spec(self.name)


class Twin:
    """The reference game beside one env; where nobody can know what was drawn, all that fit."""

    def __init__(self, game: Reference):
        self.candidates = [game]

    def copy(self) -> Twin:
        other = Twin.__new__(Twin)
        other.candidates = [game.copy() for game in self.candidates]
        return other

    @property
    def game(self) -> Any:
        """One of those that fit; they differ in nothing that was seen so far."""
        return self.candidates[0]

    def keep(self, fits: list[bool]) -> bool:
        """Drop the candidates that do not fit; False, and all are kept, where none does."""
        kept = [game for game, good in zip(self.candidates, fits, strict=True) if good]
        self.candidates = kept or self.candidates
        return bool(kept)

    def play(
        self, actions: Actions, observations: np.ndarray, rewards: np.ndarray, ends: Sequence[bool]
    ) -> bool:
        """One tick; whether it ended in these observations [players, values], rewards and ends
        (terminated, truncated)."""
        self.candidates = [each for game in self.candidates for each in game.possibilities()]
        expected = [game.step(actions) for game in self.candidates]
        return self.keep(
            [
                np.array_equal(game.observations(), observations)
                and reward == tuple(rewards)
                and (game.terminated, game.truncated) == tuple(ends)
                for game, reward in zip(self.candidates, expected, strict=True)
            ]
        )

    def can_survive_like(self, seat: int, mask: np.ndarray, caution: int = 0) -> bool:
        """Whether `mask` [actions] is what trying every way out gives."""
        return any(
            np.array_equal(game.survivable_mask(seat, caution), mask) for game in self.candidates
        )

    def looks_like(self, snapshot: dict[str, Any]) -> bool:
        return any(comparable(game.snapshot()) == comparable(snapshot) for game in self.candidates)


class Comparison:
    """A batch and its twins, driven by the scripted players and at random.

    seen: how often what occurred; mismatches: where they differed, as text
    survivable_checked: for how many players the survivable mask was compared

    An env that differed is left out until its next episode.
    """

    def __init__(self, compared: ComparedGame, num_envs: int, seed: int):
        name = compared.name
        self.compared = compared
        self.batch = fastenv.make_batch(name, num_envs, seed, levels=compared.levels())
        self.random = np.random.default_rng([seed, 11])
        self.bots = {
            player: fastenv.make_bot(player, name)
            for player in fastenv.scripted_player_names(name)
        }
        self.twins: list[Twin | None] = [self._new_twin(index) for index in range(num_envs)]
        self.seen: Counter[str] = Counter()
        self.mismatches: list[str] = []
        self.survivable_checked = 0
        self.steps = 0

    def step(self) -> None:
        """One tick of every env, compared."""
        actions = self._choose_actions()
        batch = self.batch
        batch.step(actions)
        self.steps += 1
        ended = batch.terminated | batch.truncated
        column = ended[:, None, None]
        observations = np.where(column, batch.final_observations, batch.observations)
        masks = np.where(column, batch.final_legal_mask, batch.legal_mask)
        illegal = batch.illegal_actions()
        for index, twin in enumerate(self.twins):
            what = ""
            if twin is not None:
                moves = (int(actions[index, 0]), int(actions[index, 1]))
                ends = (bool(batch.terminated[index]), bool(batch.truncated[index]))
                if not twin.play(moves, observations[index], batch.rewards[index], ends):
                    what = "observations, rewards or end"
                if not np.array_equal(twin.game.legal_mask(), masks[index]):
                    what += " legal mask"
                self.seen.update(
                    event for event, met in self.compared.events(twin.game).items() if met
                )
                self.seen["steps"] += 1
                self.seen["ends"] += ended[index]
            if ended[index]:
                self.twins[index] = twin = self._new_twin(index)
                if not np.array_equal(twin.game.observations(), batch.observations[index]):
                    what += " first observations"
                if not np.array_equal(twin.game.legal_mask(), batch.legal_mask[index]):
                    what += " first legal mask"
            if twin is not None and twin.game.illegal_actions != illegal[index]:
                what += " illegal actions"
            if what:
                self._differs(index, f"{what}, actions {actions[index]}")

    def look_closely(self) -> None:
        """Compare one env's snapshot and, where something threatens, its survivable masks; each env
        in turn."""
        index = self.steps % self.batch.num_envs
        twin = self.twins[index]
        if twin is None:
            return
        if not twin.looks_like(self.batch.snapshot(index)):
            self._differs(index, "snapshot")
        elif self.compared.is_threatened(twin.game):
            self._check_survivable(index, twin)

    def _check_survivable(self, index: int, twin: Twin) -> None:
        caution = CAUTIONS[self.survivable_checked // 2 % len(CAUTIONS)]
        compiled = self.batch.survivable_mask(caution=caution)[index]
        for seat in range(2):
            self.survivable_checked += 1
            if not twin.can_survive_like(seat, compiled[seat], caution):
                self._differs(
                    index,
                    f"survivable mask of seat {seat}, caution {caution}, got {compiled[seat]}",
                )

    def _differs(self, index: int, what: str) -> None:
        self.mismatches.append(f"env {index}, step {self.steps}: {what.strip()}")
        self.twins[index] = None

    def _new_twin(self, index: int) -> Twin:
        tiles = self.batch.levels[self.batch.level_index[index]].tiles
        return Twin(self.compared.start(tiles))

    def _choose_actions(self) -> np.ndarray:
        batch, pairs = self.batch, self.compared.pairs
        count = len(batch.spec.actions)
        actions = np.empty((batch.num_envs, 2), np.uint8)
        for seat in range(2):
            by_name = {name: bot.act(batch, seat) for name, bot in self.bots.items()}
            by_name["random"] = self.random.integers(0, count, batch.num_envs, dtype=np.uint8)
            for row in range(batch.num_envs):
                actions[row, seat] = by_name[pairs[row % len(pairs)][seat]][row]
        return actions


def comparable(snapshot: dict[str, Any]) -> dict[str, Any]:
    """A snapshot as plain values that can be compared; bombs have no order."""
    plain = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in snapshot.items()
    }
    if "bombs" in plain:
        plain["bombs"] = sorted(plain["bombs"], key=lambda bomb: (bomb["row"], bomb["column"]))
    return plain
