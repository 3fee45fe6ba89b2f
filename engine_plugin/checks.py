"""Checks of what came from others: what does not hold is said in the words of that file's error."""

from __future__ import annotations

from typing import Any

LONGEST_NAME = 200


class Checks:
    """`expect = Checks(SomeError)`; then `expect(holds, text)` raises SomeError(text) or not."""

    def __init__(self, error: type[Exception]):
        self._error = error

    def __call__(self, holds: bool, text: str) -> None:
        if not holds:
            raise self._error(text)

    def text(self, name: str, value: Any) -> None:
        """1 to LONGEST_NAME printable characters."""
        self(
            isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable(),
            f"{name}: expected 1 to {LONGEST_NAME} printable characters, got {value!r}",
        )

    def whole(self, name: str, value: Any, low: int, high: int) -> None:
        """A whole number from `low` to `high`; True and False are none."""
        self(
            isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
            f"{name}: expected a whole number from {low} to {high}, got {value!r}",
        )
