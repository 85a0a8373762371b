"""What all events of a ledger have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Self

from study.ledger.json_records import Json, build, plain


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event; the ledger sets ``time``, in seconds since 1970, when it writes it."""

    name: ClassVar[str]
    time: float = 0.0

    def to_json(self) -> Json:
        """Convert to a JSON object, without ``event`` and ``time``.

        A field that equals its plain default is omitted. A field with a ``default_factory`` is
        always written, even when it is empty, as older versions did.
        """
        return {
            item.name: plain(value)
            for item in fields(self)
            if item.name != "time" and (value := getattr(self, item.name)) != item.default
        }

    @classmethod
    def from_json(cls, line: Mapping[str, object]) -> Self:
        return build(cls, line)
