"""A config that notes which fields of its loss and optimiser a training reads, with their values.

A search may vary a field that no code reads: its trials then differ in nothing. What was read says
so, where a copy of the config would only repeat what was requested.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import TypeVar, cast

from trainables.config.loss import LossConfig
from trainables.config.optim import OptimConfig
from trainables.config.trial import TrialConfig
from trainables.config.validation import Value

_Section = TypeVar("_Section", LossConfig, OptimConfig)


@dataclass
class Watch:
    """What has been read."""

    used: dict[str, Value] = field(default_factory=dict)
    """By path, the value that was read."""
    is_paused: bool = False

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Note nothing meanwhile: validation reads losses that do not train."""
        self.is_paused = True
        try:
            yield
        finally:
            self.is_paused = False

    def note(self, path: str, value: Value) -> None:
        if not self.is_paused:
            self.used[path] = value


def watched(config: TrialConfig) -> tuple[TrialConfig, Watch]:
    """A copy with the same values, and what is read of it from now on."""
    watch = Watch()
    sections = {
        "loss": _watched("loss", config.loss, watch),
        "optim": _watched("optim", config.optim, watch),
    }
    copy = object.__new__(TrialConfig)  # its checks have passed, and would read fields
    for item in fields(config):
        value = sections.get(item.name, getattr(config, item.name))
        object.__setattr__(copy, item.name, value)
    return copy, watch


def _watched(section: str, settings: _Section, watch: Watch) -> _Section:
    """An instance of a subclass whose attributes are noted when they are read."""
    kind = type(settings)
    names = {item.name for item in fields(settings)} - {"added"}

    def read(self: _Section, name: str) -> object:
        value = object.__getattribute__(self, name)
        if name in names:
            watch.note(f"{section}/{name}", value)
        return value

    def plugin_field(self: _Section, name: str) -> Value:
        value = kind.plugin_field(self, name)
        watch.note(f"{section}/{name}", value)
        return value

    body: dict[str, object] = {
        "__slots__": (),
        "__getattribute__": read,
        "plugin_field": plugin_field,
    }
    copy = cast(_Section, object.__new__(type(kind.__name__, (kind,), body)))
    for item in fields(settings):
        object.__setattr__(copy, item.name, getattr(settings, item.name))
    return copy
