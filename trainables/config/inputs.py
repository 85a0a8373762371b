"""The maps of a sample that a network receives beside the image: ``data/inputs``."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

from trainables.config.validation import names_in_order

InputName = Literal["depth", "normals"]
INPUTS: tuple[InputName, ...] = get_args(InputName)
"""In the order in which they follow the image's bands."""
INPUT_BANDS: Mapping[InputName, int] = MappingProxyType({"depth": 1, "normals": 3})
UNITS: Mapping[InputName, str] = MappingProxyType({"depth": "metres", "normals": "x, y, z"})
"""Of a map's values, in words."""


class InputMap(NamedTuple):
    """A map as a network normalises it: less the mean, divided by the std; 0 where it is missing.

    Both have one number for each of its bands, in the map's own unit (metres of depth).
    """

    name: InputName
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __str__(self) -> str:
        unit = " m" if self.name == "depth" else ""
        mean, std = (", ".join(f"{x:.4g}" for x in values) for values in (self.mean, self.std))
        return f"{self.name} less {mean}{unit}, divided by {std}{unit}, 0 where it is missing"


def parse_inputs(text: str) -> tuple[InputName, ...]:
    """The maps of ``data/inputs``, in the order of ``INPUTS``; "": none.

    Raises:
        ValueError: an unknown name, one given twice, or another order.
    """
    return names_in_order("data/inputs", text, INPUTS)


def bands_of(names: tuple[InputName, ...]) -> int:
    """How many bands these maps have together."""
    return sum(INPUT_BANDS[name] for name in names)
