"""Opponents and levels, learned from play, as small ONNX files for any Python game loop.

The names below are loaded on first use, so that `import engine_plugin` costs nothing; what a
game ships needs numpy and onnxruntime only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine_plugin.bridge.drive import drive
    from engine_plugin.bridge.seat import Seat
    from engine_plugin.card import Card, Decision, read_card
    from engine_plugin.facts import ForeignField, ForeignGame
    from engine_plugin.ghost.clone import GhostConfig
    from engine_plugin.ghost.ghost import Ghost
    from engine_plugin.ghost.trainer import GhostTrainer
    from engine_plugin.journal import recover_journal
    from engine_plugin.runtime.controller import AgentController
    from engine_plugin.runtime.generator import GeneratedLevel, LevelGenerator, load_generator
    from engine_plugin.runtime.loading import shipped_models
    from engine_plugin.runtime.policy import Policy, load_policy
    from engine_plugin.runtime.recorder import DemonstrationRecorder
    from engine_plugin.trajectory import (
        Episode,
        TrajectoryFile,
        TrajectoryHeader,
        load_trajectories,
    )

_HOMES = {
    "AgentController": "engine_plugin.runtime.controller",
    "Card": "engine_plugin.card",
    "Decision": "engine_plugin.card",
    "DemonstrationRecorder": "engine_plugin.runtime.recorder",
    "Episode": "engine_plugin.trajectory",
    "ForeignField": "engine_plugin.facts",
    "ForeignGame": "engine_plugin.facts",
    "GeneratedLevel": "engine_plugin.runtime.generator",
    "Ghost": "engine_plugin.ghost.ghost",
    "GhostConfig": "engine_plugin.ghost.clone",
    "GhostTrainer": "engine_plugin.ghost.trainer",
    "LevelGenerator": "engine_plugin.runtime.generator",
    "Policy": "engine_plugin.runtime.policy",
    "Seat": "engine_plugin.bridge.seat",
    "TrajectoryFile": "engine_plugin.trajectory",
    "TrajectoryHeader": "engine_plugin.trajectory",
    "drive": "engine_plugin.bridge.drive",
    "load_generator": "engine_plugin.runtime.generator",
    "load_policy": "engine_plugin.runtime.policy",
    "load_trajectories": "engine_plugin.trajectory",
    "read_card": "engine_plugin.card",
    "recover_journal": "engine_plugin.journal",
    "shipped_models": "engine_plugin.runtime.loading",
}

__all__ = [
    "AgentController",
    "Card",
    "Decision",
    "DemonstrationRecorder",
    "Episode",
    "ForeignField",
    "ForeignGame",
    "GeneratedLevel",
    "Ghost",
    "GhostConfig",
    "GhostTrainer",
    "LevelGenerator",
    "Policy",
    "Seat",
    "TrajectoryFile",
    "TrajectoryHeader",
    "drive",
    "load_generator",
    "load_policy",
    "load_trajectories",
    "read_card",
    "recover_journal",
    "shipped_models",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
