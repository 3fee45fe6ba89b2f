"""How often the discriminator learns: the controller that keeps it neither sure nor lost.

A discriminator that wins outright pays the same for everything the agent tries, and one that cannot
tell the two apart pays by chance: either way its reward teaches nothing. Between the two lies a
band of balanced accuracy in which it does. The agent is the other half of the game, so the band is
held by the one thing that can be changed without changing what is learned: the number of updates
of the discriminator for each update of the policy.

    mode     entered when the accuracy is       left when it is     updates per update of the policy
    steady   between the two                                        1
    rest     above .85                          below .82           1 for every 4
    hurry    below .60, seen for 250 updates    above .63           2, and 1 more every 250, up to 4

Entering and leaving at different values (hysteresis) keeps the mode from flickering with the noise
of single batches. The accuracy is a running mean over updates that starts at .5, where a
discriminator that knows nothing yet stands, so hurrying has to wait until the mean has something
to say.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Mode = Literal["steady", "rest", "hurry"]

BAND = (0.60, 0.85)  # balanced accuracies in which the reward teaches
HYSTERESIS = 0.03
SMOOTHING = 0.98  # a running mean over about 50 updates
REST_INTERVAL = 4
PATIENCE = 250  # updates below the band before the pace goes up, and up again
MOST_UPDATES = 4


@dataclass
class DiscriminatorPace:
    """The controller and its state.

    balanced_accuracy: running mean over the discriminator's updates
    mode: what it does now
    below: updates in a row with the running mean below the band
    extra: updates beside the one, while hurrying
    """

    balanced_accuracy: float = 0.5
    mode: Mode = "steady"
    below: int = 0
    extra: int = 0

    def note(self, balanced_accuracy: float) -> None:
        """Take the balanced accuracy of one update into account."""
        low, high = BAND
        self.balanced_accuracy = (
            SMOOTHING * self.balanced_accuracy + (1 - SMOOTHING) * balanced_accuracy
        )
        mean = self.balanced_accuracy
        is_over = {"rest": mean < high - HYSTERESIS, "hurry": mean > low + HYSTERESIS}
        if is_over.get(self.mode, False):
            self.mode, self.extra = "steady", 0
        self.below = self.below + 1 if mean < low else 0
        if mean > high:
            self.mode = "rest"
        elif self.below >= PATIENCE:
            self.mode, self.below = "hurry", 0
            self.extra = min(self.extra + 1, MOST_UPDATES - 1)

    def updates_due(self, policy_updates: int) -> int:
        """How often the discriminator learns before the policy's update of this number."""
        if self.mode == "rest":
            return 1 if policy_updates % REST_INTERVAL == 0 else 0
        return 1 + self.extra

    def state(self) -> dict[str, Any]:
        """JSON-ready; `DiscriminatorPace(**state)` goes on from it."""
        return asdict(self)
