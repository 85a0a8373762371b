"""What a plan has of trials of earlier studies."""

from collections.abc import Mapping
from dataclasses import dataclass

from trainables.config import Value


@dataclass(frozen=True, kw_only=True)
class WarmStartSource:
    """An earlier search that the sampler learns from."""

    digest: str
    """Digest of its data."""
    left_out: dict[str, int]
    """By reason, how many of its trials cannot be used."""
    differs: list[str]
    """Config fields with one value in all its trials and another value here."""


@dataclass(frozen=True, kw_only=True)
class WarmStartTrial:
    """A trial of an earlier search that the sampler learns from."""

    study: str
    trial: int
    params: dict[str, Value]
    values: list[float]
    """One per objective."""


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """What the sampler knows before its first draw."""

    studies: dict[str, WarmStartSource]
    trials: list[WarmStartTrial]


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """The trial that a replay runs again, with its metrics."""

    study: str
    trial: int
    id: str
    digest: str
    """Digest of its data."""
    state: str
    commit: str | None
    epoch: int
    """The epoch that its metrics are of: the last one that it reached, or its best."""
    metrics: Mapping[str, float | None]
    tested: Mapping[str, float | None]
