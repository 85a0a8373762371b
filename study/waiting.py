"""Lanes that find no room: named after a while with what is missing, and no endless wait."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from ray import tune

from cluster import room
from study.budget import duration

_EVERY_S = 5.0
_SAY_S = 60.0


class WaitingLanes(tune.Callback):
    """Says of every lane that waits for a minute what it waits for. Where none at all has had room
    for ``patience_s`` the study stops, to be resumed when there is some."""

    def __init__(
        self, patience_s: float, stop: Callable[[str], None], say: Callable[[int, str], None],
        look: Callable[[], room.Room] = room.look,
    ) -> None:  # fmt: skip
        """``say`` is told how many lanes wait, and for what."""
        self.patience_s, self.stop, self.say, self.look = patience_s, stop, say, look
        self._looked = 0.0
        self._since: dict[str, float] = {}
        self._said: set[str] = set()
        self._none_since: float | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore that Edgewise never asks of it."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if (now := monotonic()) - self._looked >= _EVERY_S:
            self._looked = now
            self.follow(self.look(), now)

    def follow(self, found: room.Room, now: float) -> None:
        """What there is at this second."""
        self._since = {group: self._since.get(group, now) for group in found.waiting}
        long = {group for group, since in self._since.items() if now - since >= _SAY_S}
        if long - self._said:
            self._said |= long
            self.say(len(long), _missing(found))
        if found.placed or not found.waiting:
            self._none_since = None
            return
        if self._none_since is None:
            self._none_since = now
        if now - self._none_since >= self.patience_s:
            self.stop(f"no lane has had room for {duration(self.patience_s)}: {_missing(found)}")


def _missing(found: room.Room) -> str:
    """``each asks for 2 workers of 1 CPU; 0 of 4 CPU are free``."""
    asked = room.wanted(next(iter(found.waiting.values())))
    return f"each asks for {asked}; {room.free(found)}"
