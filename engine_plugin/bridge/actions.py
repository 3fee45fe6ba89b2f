"""Actions as sets of keys that are held, and a person's key presses as actions.

A game declares the actions of a seat. Somebody who plays may hold the keys of several at once: all
that can be held together is recorded by one fixed list of combinations, and learned from are the
declared ones and those that were really used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine_plugin.errors import ConfigError

PLUS, COMMA = "+", ","  # join names: of keys held together, and of a run's actions
MOST_ACTIONS = 255
# A combination that fewer of the recorded decisions hold becomes its nearest declared action.
REALLY_USED = 0.005
# What a key counts that was pressed and let go: more than half, so that a game driven by presses
# loses none.
PRESSED = 0.75


@dataclass(frozen=True)
class Actions:
    """Names of actions, and for each the keys that it holds.

    names: in index order; keys: key codes of each, as the game's library numbers them
    """

    names: tuple[str, ...]
    keys: tuple[frozenset[int], ...]

    @classmethod
    def declared(cls, keys: Mapping[str, Iterable[int]]) -> Actions:
        """From what a game declares, {name: [key codes]}. Raises ConfigError."""
        if not isinstance(keys, Mapping) or not keys:
            raise ConfigError(f'keys: expected {{"name": [key, ...], ...}}, got {keys!r}')
        sets = []
        for name, held in keys.items():
            if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 50:
                raise ConfigError(f"keys: expected names of 1 to 50 characters, got {name!r}")
            if PLUS in name or COMMA in name:
                raise ConfigError(
                    f"keys: {PLUS!r} and {COMMA!r} join names of actions, rename {name!r}"
                )
            codes: list[Any] = [held] if isinstance(held, int) else list(held)
            for code in codes:
                if not isinstance(code, int) or isinstance(code, bool) or code < 0:
                    raise ConfigError(
                        f"keys of {name!r}: expected key codes such as pygame.K_UP, got {code!r}"
                    )
            sets.append(frozenset(codes))
        for name, codes_held in zip(keys, sets, strict=True):
            if sets.count(codes_held) > 1:
                raise ConfigError(f"keys: {name!r} holds the same keys as another action")
        if len(sets) > MOST_ACTIONS:
            raise ConfigError(f"keys: expected at most {MOST_ACTIONS} actions, got {len(sets)}")
        return cls(tuple(keys), tuple(sets))

    @property
    def all_keys(self) -> frozenset[int]:
        """Every key of any action."""
        return frozenset().union(*self.keys)

    def with_combinations(self) -> Actions:
        """These, then what else can be held together: unions of two, of three, and so on as long
        as there are at most MOST_ACTIONS; "nothing" where no declared action holds no key."""
        found = dict(zip(self.keys, self.names, strict=True))
        found.setdefault(frozenset(), "nothing")
        # The unions of so many, and for each the first choice of indices that makes it. What is new
        # of k actions goes on from what was new of k - 1: without its last one it was new there.
        last: dict[frozenset[int], tuple[int, ...]]
        last = {keys: (index,) for index, keys in enumerate(self.keys) if keys}
        while last:
            joined: dict[frozenset[int], tuple[int, ...]] = {}
            for keys, chosen in last.items():
                for index in range(chosen[-1] + 1, len(self.keys)):
                    both = keys | self.keys[index]
                    if both not in found:
                        joined.setdefault(both, (*chosen, index))
            if len(found) + len(joined) > MOST_ACTIONS:
                break
            for keys, chosen in joined.items():
                found[keys] = PLUS.join(self.names[index] for index in chosen)
            last = joined
        return Actions(tuple(found.values()), tuple(found))

    def named(self, names: Sequence[str]) -> Actions:
        """The actions of these names, which may join declared ones by a plus. Raises ConfigError
        for one that is not declared."""
        known = dict(zip(self.names, self.keys, strict=True))
        known.setdefault("nothing", frozenset())
        keys = []
        for name in names:
            parts = name.split(PLUS)
            unknown = [part for part in parts if part not in known]
            if unknown:
                raise ConfigError(
                    f"expected actions of {list(self.names)}, got {name!r}: declare it in `keys`"
                )
            keys.append(frozenset().union(*(known[part] for part in parts)))
        return Actions(tuple(names), tuple(keys))

    def nearest(self, weights: Mapping[int, float]) -> int:
        """The action that fits best what was pressed: weights are 0 to 1 a key, and the distance is
        the sum over the keys of |weight - (1 if the action holds it, else 0)|."""
        every = sorted(self.all_keys)
        pressed = np.array([weights.get(key, 0.0) for key in every])
        held = np.array([[key in keys for key in every] for keys in self.keys], float)
        return int(np.abs(held - pressed).sum(axis=1).argmin())


class PressedKeys:
    """What a person pressed in the stretch of frames that one decision lasts.

    A key counts by the share of the frames in which it was held. One that went down and up again
    counts as pressed however short it was; one that went down late and is still held at the end
    counts as pressed in the next stretch.
    """

    def __init__(self, actions: Actions) -> None:
        self.actions = actions
        self._frames = 0
        self._shares: Counter[int] = Counter()
        self._pressed: set[int] = set()
        self._held: frozenset[int] = frozenset()

    def frame(self, held: Iterable[int], pressed: Iterable[int]) -> None:
        """One frame: keys held in it, and keys that went down in it."""
        self._frames += 1
        held = frozenset(held)
        self._shares.update(held)
        self._pressed.update(pressed, held - self._held)
        self._held = held

    def decision(self) -> int:
        """The action of the stretch, which then begins anew."""
        weights = {key: count / max(self._frames, 1) for key, count in self._shares.items()}
        late = {key for key in self._pressed & self._held if weights[key] < 0.5}
        for key in self._pressed - late:
            weights[key] = max(weights.get(key, 0.0), PRESSED)
        self._frames = 0
        self._shares.clear()
        self._pressed = late
        return self.actions.nearest(weights)

    def forget(self) -> None:
        """An episode begins: what was pressed before does not count."""
        self._frames = 0
        self._shares.clear()
        self._pressed.clear()


def really_used(
    recorded: Actions, chosen: np.ndarray, declared: Actions
) -> tuple[Actions, np.ndarray]:
    """The actions to learn from, and for each recorded one its index among them, int [recorded].

    chosen: recorded decisions, integers [n] into `recorded`. Learned from are the declared actions
    and every combination that REALLY_USED of the decisions hold; the others become the nearest.
    """
    counts = np.bincount(chosen, minlength=len(recorded.names))
    often = counts >= max(1.0, REALLY_USED * len(chosen))
    known = dict(zip(declared.keys, declared.names, strict=True))
    for name, keys, used in zip(recorded.names, recorded.keys, often, strict=True):
        if used:
            known.setdefault(keys, name)
    learned = Actions(tuple(known.values()), tuple(known))
    places = [learned.nearest(dict.fromkeys(keys, 1.0)) for keys in recorded.keys]
    return learned, np.array(places)
