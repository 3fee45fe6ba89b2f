"""A game file in a process of its own: `python -m engine_plugin.bridge.run JOB`, JOB as JSON.

The game runs as if started by `python game.py`, in its own folder. Three jobs:

    act     the learner decides, over standard input and output, in virtual time: act.py
    record  a person plays in the window, or a script or model in virtual time; decisions go into a
            demonstration file: here.py
    play    a model plays, in the window or, headless, in virtual time: here.py
"""

from __future__ import annotations

import sys
from typing import NoReturn

from engine_plugin.bridge.job import Job


def main() -> NoReturn:
    job = Job.from_json(sys.argv[1])
    if job.what == "act":
        from engine_plugin.bridge.act import act

        act(job)
    from engine_plugin.bridge.here import sit

    sit(job)


if __name__ == "__main__":
    main()
