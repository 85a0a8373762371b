"""Which decoded lists a lane keeps in its device's memory, from trial to trial."""

from collections.abc import Hashable, Sequence

import numpy as np
import torch

from trainables.config import DataConfig, refused
from trainables.data import plugin_augmentation
from trainables.data.dataset import Dataset, ImageList
from trainables.data.device_lists import DeviceImages, copied
from trainables.data.fold_views import FoldView
from trainables.data.images import ManySizes, indexed_as_array
from trainables.data.lists import EXTRA

SHARE = 0.25
"""Share of the memory that is free to a lane which ``data/loader=auto`` fills with lists."""
_GIB = 2**30


class DeviceMemory:
    """The lists on a device. What no list of the next trial needs is freed before it is built."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._copies: dict[Hashable, tuple[ImageList, DeviceImages]] = {}
        """By the memory of the decoded maps; holding the list keeps that memory from being used
        again for other images."""

    @property
    def nbytes(self) -> int:
        """What the copies take."""
        return sum(whole.nbytes for whole, _ in self._copies.values())

    def fits(self, lists: Sequence[ImageList], share: float = SHARE) -> bool:
        """Whether these lists are there, or would take no more than this share of what is free."""
        return self._missing_bytes(lists) <= share * self._free_bytes()

    def require_room(self, lists: Sequence[ImageList]) -> None:
        """Raise a ValueError if the lists are not there and are larger than what is free."""
        needed, free = self._missing_bytes(lists), self._free_bytes()
        if needed > free:
            sizes = f"{needed / _GIB:.1f} GiB with {free / _GIB:.1f} GiB free"
            raise refused("data/loader", f"auto or threads for lists of {sizes}", "device")

    def keep_only(self, lists: Sequence[ImageList]) -> None:
        """Free what these lists do not need."""
        needed = {_key(_whole(images)) for images in lists}
        self._copies = {key: copy for key, copy in self._copies.items() if key in needed}

    def of(self, images: ImageList) -> DeviceImages:
        """A list on the device, copied there when it is first read."""
        whole = _whole(images)
        key = _key(whole)
        if key not in self._copies:
            self._copies[key] = whole, copied(whole, self.device)
        copy = self._copies[key][1]
        view = images.images_NHWC
        return copy.picked(view.places_N) if isinstance(view, FoldView) else copy

    def _missing_bytes(self, lists: Sequence[ImageList]) -> int:
        found = bytes_of(lists).items()
        return sum(nbytes for key, nbytes in found if key not in self._copies)

    def _free_bytes(self) -> float:
        """Of the device, as far as this lane may use it: lanes may share a GPU."""
        if self.device.type != "cuda":
            return float("inf")
        free, total = torch.cuda.mem_get_info(self.device)
        mine = total * torch.cuda.get_per_process_memory_fraction(self.device)
        return max(min(free, mine - torch.cuda.memory_reserved(self.device)), 0.0)


def trained_on(dataset: Dataset) -> list[ImageList]:
    """The lists that a training reads, epoch after epoch."""
    return [dataset.splits[name] for name in ("train", EXTRA, "val") if name in dataset.splits]


def most_held(dataset: Dataset, config: DataConfig, total_bytes: int) -> int:
    """The most bytes that ``data/loader`` lets a lane's lists take of a GPU of this size."""
    lists = trained_on(dataset)
    named = config.loader in ("auto", "device") and not plugin_augmentation.active(config)
    named = named and not config.map_names and config.moves == "edgewise"  # else threads augment
    if not named or not all(map(in_memory, lists)):
        return 0
    nbytes = sum(bytes_of(lists).values())
    return nbytes if config.loader == "device" or nbytes <= SHARE * total_bytes else 0


def bytes_of(lists: Sequence[ImageList]) -> dict[Hashable, int]:
    """By the memory in which decoded lists lie, its bytes: folds share one."""
    return {_key(whole): whole.nbytes for whole in map(_whole, lists)}


def in_memory(images: ImageList) -> bool:
    """Whether a list is decoded in memory, and not read from disk."""
    return _whole(images).nbytes > 0


def _whole(images: ImageList) -> ImageList:
    """The list whose memory a list of a fold shares; any other list itself."""
    maps, labels = images.images_NHWC, images.labels_NHW
    if not isinstance(maps, FoldView):
        return images
    assert isinstance(labels, FoldView)
    pools = indexed_as_array(maps.pool), indexed_as_array(labels.pool)
    return ImageList(*pools, tuple(map(str, range(len(pools[0])))))


def _key(images: ImageList) -> Hashable:
    return _place(images.images_NHWC), _place(images.labels_NHW)


def _place(maps: object) -> Hashable:
    """Where maps lie in memory, and how they are read from there."""
    if isinstance(maps, ManySizes):
        return tuple(map(_place, maps))
    if isinstance(maps, np.ndarray):
        return maps.__array_interface__["data"][0], maps.shape, maps.strides, maps.dtype.str
    return id(maps)
