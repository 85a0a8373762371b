"""What a paper's figures were measured of and how, so that a study can be told apart from it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import NotRequired, TypedDict

from search_spaces.space import Value

AS_THEY_ARE: Mapping[str, Value] = {
    "data/height": 0,
    "data/width": 0,
    "data/train_list": "",
    "data/val_list": "",
    "data/test_list": "",
    "data/train_images": 0,
    "data/test_images": 0,
    "model/init": "",
    "eval/scales": "1",
    "eval/flip": False,
    "eval/window": "whole",
}
"""Complete official lists, labels of their own size, whole images at one scale."""


class SetupEvent(TypedDict):
    """A setup in the ledger."""

    name: str
    network: str
    dataset: str
    images: str
    protocol: str
    weights: str
    config: dict[str, Value]
    counts: dict[str, int]
    needs: str
    recipe: NotRequired[str]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A column of a paper's table. A study reproduces it if its config and its lists agree."""

    name: str
    """Its key in ``Cell.published``."""

    network: str
    """As the paper calls it; "" for the figures of an earlier study of this storage."""

    dataset: str
    """As the paper calls it."""

    images: str
    """The list that was measured: ``val`` or ``test``."""

    protocol: str = "single-scale"
    """Scales, mirror and windows of inference, and the conventions of its metrics."""

    weights: str = "ImageNet"
    """What the network began with, and further training data."""

    config: Mapping[str, Value] = field(default_factory=dict)
    """What a study's config must hold to measure the same, by path."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """Images by list, ``train`` and ``test``: part of a dataset is not the dataset."""

    needs: str = ""
    """What no config of this version reaches; "" if a study can measure the same."""

    recipe: str = ""
    """The training recipe of ``--as-published``; "" if there is none."""

    def words(self) -> str:
        """``HRNet-OCR on Cityscapes test, multi-scale (ImageNet)``."""
        if not self.network:
            return self.name
        return f"{self.network} on {self.dataset} {self.images}, {self.protocol} ({self.weights})"

    def event(self) -> SetupEvent:
        """The setup as the ledger stores it."""
        fields = asdict(self)
        return SetupEvent(**{**fields, "config": dict(self.config), "counts": dict(self.counts)})  # type: ignore[typeddict-item]


def of_earlier_study(name: str) -> Setup:
    """The setup of a study's own earlier figures, whose name ends with their list."""
    images = name.rpartition(", ")[2]
    needs = "" if images == "test" else "they are of the validation list, ours of the test list"
    return Setup(name=name, network="", dataset="", images=images, needs=needs)


def setup_from_event(event: SetupEvent) -> Setup:
    """The setup of an event in the ledger."""
    return Setup(**event)
