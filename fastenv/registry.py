"""Which games there are: those of this package and those that other packages announce.

Another package announces a game by an entry point in the group "engine_plugin.games" that names the
module with its GAME; its scripted players stand in the same module as BOTS.
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any

from fastenv.errors import UnknownGameError
from fastenv.spec import GameSpec

ENTRY_POINT_GROUP = "engine_plugin.games"

# name -> (module of the game, module of its scripted players)
OWN_GAMES = {
    "blast": ("fastenv.games.blast", "fastenv.bots.blast"),
    "race": ("fastenv.games.race", "fastenv.bots.race"),
}


def games() -> tuple[str, ...]:
    """Names of all games that can be loaded."""
    announced = {point.name for point in entry_points(group=ENTRY_POINT_GROUP)}
    return tuple(sorted(announced | set(OWN_GAMES)))


def _modules(name: str) -> tuple[str, str]:
    if name in OWN_GAMES:
        return OWN_GAMES[name]
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.name == name:
            return point.value, point.value
    raise UnknownGameError(f"unknown game {name!r}; there are: {', '.join(games())}")


def compiled_game(name: str) -> Any:
    """The `CompiledGame` of this name."""
    return importlib.import_module(_modules(name)[0]).GAME


def scripted_players(name: str) -> dict[str, Any]:
    """The `ScriptedPlayer`s of this game by name."""
    return dict(importlib.import_module(_modules(name)[1]).BOTS)


def game_spec(name: str) -> GameSpec:
    """The facts of this game."""
    spec: GameSpec = compiled_game(name).spec
    return spec
