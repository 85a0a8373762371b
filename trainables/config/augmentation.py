"""Which augmentations of ``data`` are possible, and together with what."""

from typing import TYPE_CHECKING

from trainables.config.plugin_fields import PLUGIN
from trainables.config.validation import require

if TYPE_CHECKING:
    from trainables.config.data import DataConfig


def require_augmentation(data: "DataConfig") -> None:
    """Raise a ValueError that names a field, its value and what is allowed."""
    require(0.1 <= data.scale_min <= 10, "data/scale_min", "0.1 .. 10", data.scale_min)
    ordered = data.scale_min <= data.scale_max <= 10
    require(ordered, "data/scale_max", "scale_min .. 10", data.scale_max)
    require(0 <= data.brightness <= 255, "data/brightness", "0 .. 255", data.brightness)
    require(0 <= data.rotate <= 180, "data/rotate", "0 .. 180", data.rotate)
    require(0 <= data.elastic <= 1000, "data/elastic", "0 .. 1000", data.elastic)
    narrow = 0 <= data.grid_distortion <= 0.9  # no field is folded
    require(narrow, "data/grid_distortion", "0 .. 0.9", data.grid_distortion)
    require(0 <= data.color_jitter <= 1, "data/color_jitter", "0 .. 1", data.color_jitter)
    for name in PLUGIN.augmentations:
        share = data.plugin_field(name)
        require(0 <= float(share) <= 1, f"data/{name}", "a probability, 0 .. 1", share)
        here = not share or data.loader in ("auto", "threads")
        require(here, "data/loader", f"auto or threads with data/{name}", data.loader)
    _require_of_maps(data)
    _require_of_moves(data)


def _require_of_maps(data: "DataConfig") -> None:
    if not (read := data.map_names):
        return
    named = " and ".join(f"data/{name}" for name in ("targets", "inputs") if getattr(data, name))
    allowed = f"auto, threads or workers with {named}"
    require(data.loader != "device", "data/loader", allowed, data.loader)
    for name in ("elastic", "grid_distortion"):  # no camera sees such surfaces
        real = {"depth", "normals"}.isdisjoint(read) or not getattr(data, name)
        allowed = f"0 with depth or normals in {named}"
        require(real, f"data/{name}", allowed, getattr(data, name))
    for name in PLUGIN.augmentations:
        share = data.plugin_field(name)
        allowed = f"0 with {named}, which it does not move"
        require(not share, f"data/{name}", allowed, share)


def _require_of_moves(data: "DataConfig") -> None:
    if data.moves == "edgewise":
        return
    allowed = "auto, threads or workers with data/moves=released"
    require(data.loader != "device", "data/loader", allowed, data.loader)
    for name in ("elastic", "grid_distortion", "flip_vertical"):
        value = getattr(data, name)
        require(not value, f"data/{name}", f"{type(value)()!r} with data/moves=released", value)
