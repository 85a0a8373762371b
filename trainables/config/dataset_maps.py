"""Which maps beside the labels a dataset can have, known before any file is opened."""

from collections.abc import Mapping
from types import MappingProxyType

from trainables.config.tasks import TARGETS, TaskName

_INDOORS: tuple[TaskName, ...] = ("edge", "depth", "normals")
MAPS: Mapping[str, tuple[TaskName, ...]] = MappingProxyType(
    {
        "shapes": (*_INDOORS, "saliency"),
        "nyuv2": _INDOORS,
        "nyud_mt": _INDOORS,
        "pascal_mt": ("edge", "normals", "saliency", "parts"),
    }
)
"""By dataset; the others have none."""


def maps_of(dataset: str, *, plugin: bool) -> tuple[TaskName, ...]:
    """The maps that a dataset can have; that of an installed plug-in may have any."""
    return MAPS.get(dataset, TARGETS if plugin else ())
