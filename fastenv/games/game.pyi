"""Types of the handles on a compiled game; the interface itself is in game.pxd."""

from fastenv.spec import GameSpec

class ScriptedPlayer:
    name: str

class CompiledGame:
    spec: GameSpec
