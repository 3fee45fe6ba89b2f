"""Recording and playing in a game's own loop, from the command line's side: the game runs in a
process of its own, in the window or headless, and says at its end what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine_plugin.bridge.actor import game_environment
from engine_plugin.bridge.job import Job
from engine_plugin.errors import ConfigError, GameLoopError
from engine_plugin.files import refuse_existing
from engine_plugin.trajectory import load_trajectories


def record(job: Job, *, force: bool = False, add: bool = True) -> dict[str, Any]:
    """Record rounds of a game into `job.out`.

    add: to what is there already; force: replace it, once there is something to put in its place.
    Raises OutputExistsError where neither is
    asked for, ConfigError, GameLoopError, TrajectoryError.
    """
    if not add:
        refuse_existing(job.out, force)
    sat = sit(replace(job, anew=force))
    if not sat["recorded"] or not Path(job.out).exists():
        raise GameLoopError(
            "nothing was recorded: play at least one decision; is `tick` called once a frame?"
        )
    file = load_trajectories(job.out)
    seconds = file.ticks / file.header.tick_rate
    return {
        "out": job.out,
        "player": file.header.players[0],
        "rounds": sat["rounds"],
        "rounds_in_file": len(file.episodes),
        "decisions_in_file": file.ticks,
        "minutes_in_file": round(seconds / 60, 2),
    }


def sit(job: Job) -> dict[str, Any]:
    """Run one sitting to its end: {"rounds", ...}; headless rounds that need a fresh process follow
    each other. Raises GameLoopError or ConfigError."""
    total: Counter[str] = Counter()
    result: dict[str, Any] = {}
    while True:
        result = _one_process(
            replace(
                job,
                rounds=job.rounds - total["rounds"] if job.rounds else 0,
                first_round=job.first_round + total["rounds"],
                anew=job.anew and not total["rounds"],
            )
        )
        if result["seat"] is None:
            wanted = f" {job.seat!r}" if job.seat else ""
            raise ConfigError(f"{Path(job.game).name} has no seat{wanted}; make one: {EXAMPLE}")
        total.update({name: value for name, value in result.items() if type(value) is int})
        is_done = not job.headless or result["restarts"] or result["rounds"] == 0
        if is_done or total["rounds"] >= job.rounds:
            return {**result, **total}


EXAMPLE = 'engine_plugin.Seat("name", keys=..., see=...), and call its tick once a frame'


def _one_process(job: Job) -> dict[str, Any]:
    command = [sys.executable, "-m", "engine_plugin.bridge.run", job.to_json()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=game_environment())
    try:
        said, _ = process.communicate()
    except KeyboardInterrupt:
        # The game has it too, and ends.
        said, _ = process.communicate()
    if process.returncode != 0 or not said.strip():
        raise GameLoopError(
            f"{Path(job.game).name}: the game's process ended with status {process.returncode}; "
            "what was recorded is kept in the journal and is taken over by the next sitting"
        )
    result: dict[str, Any] = json.loads(said)
    if "error" in result:
        raise GameLoopError(f"{Path(job.game).name}: {result['error']}")
    return result
