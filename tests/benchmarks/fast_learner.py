"""How long our learner and Stable-Baselines3's DQN take to the same score on the same env.

    python tests/benchmarks/fast_learner.py --game cartpole [--seeds 3] [--json]
    python tests/benchmarks/fast_learner.py --game blast [--environment FOLDER]

One after the other, seed by seed, each in a process of its own on one core and one thread. Every
second (of Blast: every 2.5) of its own clock a learner stands still and is judged: greedy, on the
same unseen validation episodes for both, by the same code. A score is *first* reached at the first
judging that shows it, and *held* from the first of three in a row. A run ends when the highest
score is held, when its steps are used up, or at the course's cap (see learner_courses.py). Neither
clock counts judging, checkpoints or imports; both count the making of the networks and all
compiling.

The clock is the processor's: what a learner takes where the core is its own. Wall-clock seconds
stand beside it in brackets; on a busy machine they say how busy it was. Below the scores stands
where the seconds went, and what NumPy takes for the same matrix products and nothing else.

CartPole: the mean return, Stable-Baselines3 with the settings that rl-baselines3-zoo tuned. Blast:
the share of matches won against `idle`, without our filter of fatal actions, which the Gymnasium
env does not have either; Stable-Baselines3 with the best of the settings that learner_sb3.py names.
A player that walks at random and never bombs wins 70 % of these matches.

torch and Stable-Baselines3 are installed into an environment of their own, see sb3_environment.py;
--environment keeps it. Exit status 1 where our median is over half of the other's at the highest
score.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from learner_courses import COURSES, HELD, Course, Judging, reached
from sb3_environment import sb3_python, with_our_packages

HERE = Path(__file__).parent
OURS, PEER = "ours", "Stable-Baselines3"
PROGRAMS = {OURS: "learner_ours.py", PEER: "learner_sb3.py"}
BAR = 0.5  # of the peer's seconds
WAYS = {"first": 1, "held": HELD}  # judgings in a row that a score is asked of
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
CLOCKS = ("seconds", "wall_seconds")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--game", choices=tuple(COURSES), required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--environment", type=Path, help="folder to keep the environment in")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    course = COURSES[options.game]
    runs: dict[str, list[dict[str, Any]]] = {OURS: [], PEER: []}
    with sb3_python(options.environment) as python:
        interpreters = {OURS: sys.executable, PEER: python}
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            for learner, interpreter in interpreters.items():
                print(f"{options.game}, seed {seed}: {learner}", file=sys.stderr)
                result = _run(interpreter, PROGRAMS[learner], options.game, seed)
                runs[learner].append({"seed": seed, **result})
                print(f"  {_course_of(result)}", file=sys.stderr)
    scores = [_compare(course, runs, target, way) for target in course.targets for way in WAYS]
    if options.json:
        print(json.dumps({"game": options.game, "scores": scores, "runs": runs}))
    else:
        print("\n".join(_table(scores, runs)))
    last = scores[-1]
    return 0 if last["ratio"] <= BAR and not last[OURS]["more_than"] else 1


def _run(python: str, program: str, game: str, seed: int) -> dict[str, Any]:
    """The line of a learner's process."""
    run = subprocess.run(
        [python, str(HERE / program), game, str(seed)],
        capture_output=True,
        text=True,
        env={**with_our_packages(), **ONE_THREAD},
    )
    if run.returncode:
        sys.exit(f"{program} failed:\n{run.stderr}")
    result: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return result


def _course_of(result: dict[str, Any]) -> str:
    """As "1.0 s 9.6, 2.0 s 45.2": the scores that were judged."""
    return ", ".join(f"{row['seconds']:.1f} s {row['score']:.4g}" for row in result["judgings"])


def _compare(
    course: Course, runs: dict[str, list[dict[str, Any]]], target: float, way: str
) -> dict[str, Any]:
    """Medians over the seeds of the seconds to a score, and ours as a share of the peer's. A run
    that ended without the score counts with all its seconds: less than it would have taken; where
    half of them did, the median is "more_than" what it says."""
    row: dict[str, Any] = {"score": target, "way": way}
    for learner, results in runs.items():
        judged = [[Judging(**line) for line in result["judgings"]] for result in results]
        found = [reached(lines, target, WAYS[way]) for lines in judged]
        ends = [place or lines[-1] for place, lines in zip(found, judged, strict=True)]
        row[learner] = {
            **{clock: round(median(getattr(end, clock) for end in ends), 2) for clock in CLOCKS},
            "of_each_seed": [end.seconds for end in ends],
            "reached": sum(place is not None for place in found),
            "more_than": sum(place is None for place in found) * 2 >= len(found),
        }
    for name, clock in zip(("ratio", "wall_ratio"), CLOCKS, strict=True):
        row[name] = round(row[OURS][clock] / row[PEER][clock], 3)
    return row


def _table(scores: list[dict[str, Any]], runs: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    yield f"{'median seconds to a score':<28}{OURS:>20}{PEER:>20}{'ratio':>16}"
    for row in scores:
        cells = [_seconds(row[learner], len(runs[learner])) for learner in runs]
        name = f"{row['score']:g}, {row['way']}"
        less = "< " if row[PEER]["more_than"] else ""
        ratio = f"{less}{row['ratio']:.2f} ({row['wall_ratio']:.2f})"
        if row[OURS]["more_than"]:
            ratio = "not reached"
        yield f"{name:<28}{cells[0]:>20}{cells[1]:>20}{ratio:>16}"
    yield ""
    yield from _where_time_goes(runs)


def _seconds(cell: dict[str, Any], seeds: int) -> str:
    """As "> 30.2 (33.1) 1/3": more than, where the median is of a run that did not get there."""
    more = "> " if cell["more_than"] else ""
    of = f" {cell['reached']}/{seeds}" if cell["reached"] < seeds else ""
    return f"{more}{cell['seconds']:.1f} ({cell['wall_seconds']:.1f}){of}"


def _where_time_goes(runs: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Seconds of all seeds together by part, their matrix products, env steps and updates."""
    names = list(runs[OURS][0]["parts"])
    yield f"{'where the seconds go':<28}{OURS:>20}{PEER:>20}"
    for name in names:
        cells = [sum(run["parts"].get(name, 0) for run in results) for results in runs.values()]
        yield f"{name:<28}{cells[0]:>20.1f}{cells[1]:>20.1f}"
    for name in ("acting", "update"):
        cells = [sum(run["products"][name] for run in results) for results in runs.values()]
        yield f"{name + ', products alone':<28}{cells[0]:>20.1f}{cells[1]:>20.1f}"
    for name in ("imports", "steps", "updates"):
        cells = [sum(run[name] for run in results) for results in runs.values()]
        yield f"{name:<28}{cells[0]:>20,.0f}{cells[1]:>20,.0f}"


if __name__ == "__main__":
    sys.exit(main())
