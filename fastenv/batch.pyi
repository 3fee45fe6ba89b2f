"""Types of the compiled batch; what each call does stands in batch.pyx."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastenv.games.game import CompiledGame, ScriptedPlayer
from fastenv.level import Level
from fastenv.spec import GameSpec

class BatchEnv:
    num_envs: int
    players: int
    autoreset: bool
    threads: int
    levels: list[Level]
    spec: GameSpec
    observations: NDArray[np.uint8]
    legal_mask: NDArray[np.uint8]
    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    final_observations: NDArray[np.uint8]
    final_legal_mask: NDArray[np.uint8]
    final_statistics: NDArray[np.int32]
    level_index: NDArray[np.int32]
    def __init__(
        self,
        game: CompiledGame,
        num_envs: int,
        seed: int,
        levels: list[Level],
        autoreset: bool,
        threads: int = 1,
    ) -> None: ...
    def set_levels(self, levels: Sequence[Level]) -> None: ...
    def reset(self, seed: int | None = None) -> None: ...
    def reset_env(self, index: int, seed: int | None = None) -> None: ...
    def reset_envs(
        self, mask: NDArray[np.bool_], seeds: NDArray[np.uint64] | None = None
    ) -> None: ...
    def step(self, actions: NDArray[np.uint8]) -> None: ...
    def survivable_mask(
        self, out: NDArray[np.uint8] | None = None, caution: int = 0
    ) -> NDArray[np.uint8]: ...
    def statistics(self, out: NDArray[np.int32] | None = None) -> NDArray[np.int32]: ...
    def illegal_actions(self) -> NDArray[np.int32]: ...
    def snapshot(self, index: int) -> dict[str, Any]: ...
    def save_state(self, index: int) -> bytes: ...
    def load_state(self, index: int, blob: bytes | bytearray | memoryview) -> None: ...

class Bot:
    name: str
    game: str
    def __init__(self, player: ScriptedPlayer, game: str) -> None: ...
    def act(
        self,
        batch: BatchEnv,
        seat: int,
        out: NDArray[np.uint8] | None = None,
        where: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.uint8]: ...
