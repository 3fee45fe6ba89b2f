"""log.jsonl: one line of JSON an evaluation, from which all that is shown of a run is drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine_plugin.files import atomic_write

Line = dict[str, Any]


def read_log(path: Path) -> list[Line]:
    """The lines of a log; none where there is no file. A torn last line, cut off with its process,
    is left out, and so is all that follows a line that is no JSON object."""
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    lines: list[Line] = []
    for row in text.splitlines():
        try:
            line = json.loads(row)
        except ValueError:
            break
        if not isinstance(line, dict):
            break
        lines.append(line)
    return lines


class RunLog:
    """The log of a run that is going on; `lines` are those written so far."""

    def __init__(self, path: Path):
        self.path = path
        self.lines: list[Line] = []

    def append(self, line: Line) -> None:
        self.lines.append(line)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def go_on_from(self, steps: int) -> None:
        """Read the log and cut off what came after a checkpoint of `steps`: it is played again."""
        written = read_log(self.path)
        self.lines = [line for line in written if line.get("steps", 0) <= steps]
        text = "".join(json.dumps(line) + "\n" for line in self.lines)
        if not self.path.exists() or self.path.read_bytes() != text.encode():
            atomic_write(self.path, text.encode())
