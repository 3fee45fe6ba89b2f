"""Golden playthroughs: whole matches as text that a person can read and a change of rules shows in.

    python -m tests.fastenv.playthroughs            compare the files with the game as it is
    python -m tests.fastenv.playthroughs --write    write them anew
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import fastenv
from fastenv.adapters.rendering import board_text

FOLDER = Path(__file__).parents[1] / "playthroughs"
DANGER_DIGITS = ".12345678"
LEVELS = {
    "blast": """\
#############
#1...+.b..+.#
#.#.#+#+#.#.#
#+..+...+..+#
#.#r#.#.#+#.#
#...+..+..+.#
#.#+#.#.#r#.#
#+..+...+..+#
#.#.#+#+#.#.#
#.+..b.+...2#
#############
""",
    "race": """\
#############
#1..+.~...o.#
#.#.#~#.#+#.#
#..o.~.o.~..#
#.#+#.#.#.#.#
#.o.~.o.~.o.#
#.#.#.#.#+#.#
#..~.o.~.o..#
#.#+#.#~#.#.#
#.o...~.+..2#
#############
""",
}
HEADS = {
    "blast": (
        "left: the board (o bomb, * flame, r b items, x dead); right: ticks until a cell burns or\n"
        "closes. Hands: bombs that can be laid now / bombs in all / range.\n"
    ),
    "race": "the board (+ crate, ~ ice, o coin); hands: coins.\n",
}


@dataclass(frozen=True)
class Playthrough:
    """One match on the game's level of `LEVELS` between two scripted players.

    every: which ticks are written out; the last ten are written always
    """

    name: str
    players: tuple[str, str]
    seed: int
    every: int = 1
    game: str = "blast"

    @property
    def spec(self) -> fastenv.GameSpec:
        return fastenv.game_spec(self.game)


PLAYTHROUGHS = (
    Playthrough("hunter_against_survivor", ("hunter", "survivor"), seed=27),
    Playthrough("miner_against_hunter", ("miner", "hunter"), seed=9),
    Playthrough("rusher_against_turtle", ("rusher", "turtle"), seed=11),
    Playthrough("idle_until_the_closing", ("idle", "idle"), seed=1, every=25),
    Playthrough("racer_against_pusher", ("racer", "pusher"), seed=5, game="race"),
    Playthrough("survivor_against_pusher", ("survivor", "pusher"), seed=50, game="race"),
    Playthrough("idle_until_the_cut", ("idle", "idle"), seed=1, every=60, game="race"),
)


def transcript(playthrough: Playthrough) -> str:
    """The match: each tick's actions, board and danger side by side, and how it ended."""
    spec, game = playthrough.spec, playthrough.game
    level = fastenv.Level.from_text(LEVELS[game], spec)
    batch = fastenv.make_batch(game, 1, playthrough.seed, levels=[level], autoreset=False)
    bots = [fastenv.make_bot(name, game) for name in playthrough.players]
    pages = [_page(batch, "the start")]
    actions = np.zeros((1, spec.players), np.uint8)
    while not (batch.terminated[0] or batch.truncated[0]):
        for seat, bot in enumerate(bots):
            actions[0, seat] = bot.act(batch, seat)[0]
        batch.step(actions)
        names = ", ".join(spec.actions[action] for action in actions[0])
        pages.append(_page(batch, names))
    last = len(pages) - 1
    shown = [
        page
        for tick, page in enumerate(pages)
        if tick % playthrough.every == 0 or tick > last - 10
    ]
    return "\n".join([_header(playthrough), *shown, _result(batch)])


def _header(playthrough: Playthrough) -> str:
    first, second = playthrough.players
    spec = playthrough.spec
    return (
        f"{spec.name} version {spec.version}: {first} (1) against {second} (2), "
        f"seed {playthrough.seed}\n"
    ) + HEADS[playthrough.game]


def _page(batch: fastenv.BatchEnv, title: str) -> str:
    snapshot = batch.snapshot(0)
    hands = "   ".join(
        f"{seat}: {_hand(player)}" for seat, player in enumerate(snapshot["players"], start=1)
    )
    lines = board_text(snapshot, batch.spec.contents).splitlines()
    if "danger" in snapshot:
        digits = ["".join(DANGER_DIGITS[ticks] for ticks in row) for row in snapshot["danger"]]
        lines = [f"{board}   {row}" for board, row in zip(lines, digits, strict=True)]
    return "\n".join([f"tick {snapshot['tick']}: {title}", hands, *lines, ""])


def _hand(player: dict[str, Any]) -> str:
    """What a player has, as numbers."""
    names = ("bombs", "capacity", "range", "coins")
    return "/".join(str(player[name]) for name in names if name in player)


def _result(batch: fastenv.BatchEnv) -> str:
    rewards = batch.rewards[0].tolist()
    winner = "a draw" if not any(rewards) else f"player {1 + rewards.index(1)} wins"
    counters = [
        f"{name}: {first} {second}"
        for name, first, second in zip(
            batch.spec.statistics, *batch.final_statistics[0].tolist(), strict=True
        )
    ]
    return "\n".join([f"the end: {winner}", *counters, ""])


def path_of(playthrough: Playthrough) -> Path:
    return FOLDER / f"{playthrough.name}.txt"


def main() -> int:
    changed = []
    for playthrough in PLAYTHROUGHS:
        text = transcript(playthrough)
        path = path_of(playthrough)
        if "--write" in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            changed.append(path.name)
    if changed:
        print(f"not as recorded: {', '.join(changed)}; after a wanted change of rules, --write")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
