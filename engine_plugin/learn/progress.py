"""The progress of a training run, for a person: one bar on stderr with what matters now."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class TrainingProgress:
    """A bar over the run, or over its cloning, with steps a second and the last evaluation beside
    it."""

    def __init__(self, what: str = "training") -> None:
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeRemainingColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[evaluation]}"),
            console=Console(stderr=True),
        )
        self.task = self.bar.add_task(what, total=1.0, rate="", evaluation="")

    def __enter__(self) -> TrainingProgress:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def moved(self, share: float, steps_per_second: float = 0.0) -> None:
        """share: of the run that is over, by the clock or by the steps, 0 to 1."""
        rate = f"{steps_per_second / 1000:.1f} k steps/s" if steps_per_second else ""
        self.bar.update(self.task, completed=share, rate=rate)

    def evaluated(self, text: str) -> None:
        self.bar.update(self.task, evaluation=text)

    def say(self, text: str) -> None:
        """A line above the bar."""
        self.bar.console.print(text, highlight=False, soft_wrap=True)
