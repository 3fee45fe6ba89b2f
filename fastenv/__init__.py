"""Game environments compiled to machine code, stepped in batches.

    import fastenv
    batch = fastenv.make_batch("blast", num_envs=1024, seed=0)
    batch.step(actions)          # uint8 [num_envs, players]; overwrites batch.observations, ...

Knows neither TensorFlow nor pygame.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fastenv.batch import BatchEnv, Bot
from fastenv.builtin_levels import builtin_levels
from fastenv.errors import (
    ActionError,
    FastenvError,
    LevelError,
    StateError,
    UnknownGameError,
)
from fastenv.level import Level
from fastenv.registry import compiled_game, game_spec, games, scripted_players
from fastenv.spec import Content, Field, GameSpec, LevelConstraints, Tile

__all__ = [
    "ActionError",
    "BatchEnv",
    "Bot",
    "Content",
    "FastenvError",
    "Field",
    "GameSpec",
    "Level",
    "LevelConstraints",
    "LevelError",
    "StateError",
    "Tile",
    "UnknownGameError",
    "builtin_levels",
    "game_spec",
    "games",
    "get_include",
    "make_batch",
    "make_bot",
    "scripted_player_names",
]


def make_batch(
    game: str,
    num_envs: int,
    seed: int = 0,
    levels: Sequence[Level] | None = None,
    autoreset: bool = True,
    threads: int = 1,
) -> BatchEnv:
    """Make `num_envs` envs of a game, reset and ready to step.

    levels: an episode starts on one of them, drawn from the env's own stream; None means built-in
        levels that depend on `seed` alone. Env i depends on (seed, i, levels) alone.
    autoreset: start the next episode in the step that ends one; otherwise an ended env stays as it
        ended until `reset`.
    threads: 1 to 256, this one among them, that share out the envs; the bytes are the same for any
        number. More than one pays for thousands of envs on cores that are free; a forked process
        does without.
    Raises UnknownGameError, LevelError; ValueError for fewer than one env or thread.
    """
    compiled = compiled_game(game)
    if levels is None:
        levels = builtin_levels(compiled.spec, seed)
    return BatchEnv(compiled, num_envs, seed, list(levels), autoreset, threads)


def make_bot(name: str, game: str = "blast") -> Bot:
    """A scripted player; `bot.act(batch, player, out)` writes uint8 [num_envs] actions."""
    players = scripted_players(game)
    if name not in players:
        raise UnknownGameError(
            f"{game} has no scripted player {name!r}; there are: {', '.join(players)}"
        )
    return Bot(players[name], game)


def scripted_player_names(game: str) -> tuple[str, ...]:
    """Names of the scripted players of a game."""
    return tuple(scripted_players(game))


def get_include() -> str:
    """The folder that games of other packages cimport from: `cythonize(include_path=[...])`."""
    return str(Path(__file__).parents[1])
