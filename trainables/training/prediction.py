"""Maps of images of any size, predicted as the test of a study predicts them.

Shape letters: B images, K classes, H rows, W columns, C colours.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import TrialConfig, require
from trainables.config.tasks import TaskName
from trainables.data import input_maps, photos, target_kinds
from trainables.data.rasters import Pixels, require_same
from trainables.data.target_kinds import to_tensor
from trainables.data.targets import NO_TARGETS, TargetMaps
from trainables.data.units import in_units
from trainables.metrics.inference import probabilities, resize, scores
from trainables.metrics.other_tasks.heads import Heads
from trainables.networks.segmentation import Segmenter
from trainables.refinement.refine import Refine
from trainables.training import process_settings
from trainables.training.forward import forward

Labels = NDArray[np.uint8]


class Given(NamedTuple):
    """An image to predict, with the maps that the network receives beside it."""

    image_HWC: Pixels
    maps: TargetMaps = NO_TARGETS
    """Of the image's size, as ``data/targets.py`` says."""


class Predicted(NamedTuple):
    """What a network says of one image, at the image's own size."""

    image_HWC: Pixels
    labels_HW: Labels
    """0..K-1; zeros from a network that does not segment."""
    tasks: dict[TaskName, NDArray[np.float32]]
    """(C,H,W) by further task: probabilities of edges, saliency and parts, metres, unit normals."""


class Predictor:
    """Predicts with a trained network, at the size and with the protocol of its test."""

    def __init__(
        self,
        network: Segmenter,
        config: TrialConfig,
        device: torch.device,
        refine: Refine | None = None,
    ) -> None:
        """``refine``: corrects what the network says of the classes, as in its test."""
        name, follows = config.model.network, network.follows
        words = "one that needs no first mask to predict single images"
        require(not follows, "model/network", words, f"{name}, which follows an object")
        self._refine = refine
        self._network, self._config, self._device = network.eval().to(device), config, device
        data = config.data
        self._size = (data.height, data.width) if data.height else None
        self._how = config.eval.of("test")
        self._batch = config.batch if self._how.is_plain else 1  # as in the test
        self._heads = Heads(network.tasks.further)

    def label_maps(self, images: Iterable[Pixels | Given]) -> Iterator[tuple[Pixels, Labels]]:
        """Yield each image (H,W,C) with its labels (H,W), 0..K-1, at its own size.

        Raises:
            ValueError: the network does not segment.
        """
        segments, tasks = self._network.tasks.segments, self._config.task.tasks
        require(segments, "task/tasks", "with semseg for label maps", tasks)
        return ((each.image_HWC, each.labels_HW) for each in self.predictions(images))

    def predictions(self, images: Iterable[Pixels | Given]) -> Iterator[Predicted]:
        """Yield what is predicted for each image (H,W,C).

        Equal sizes that follow each other share a batch, as in the test: another one may round
        otherwise.

        Raises:
            ValueError: an image of another kind, or without a map that the network needs.
        """
        given = (one if isinstance(one, Given) else Given(one) for one in images)
        for _, same in groupby(given, key=lambda one: one.image_HWC.shape):
            while batch := list(islice(same, self._batch)):
                yield from self._predicted(batch)

    @torch.no_grad()
    def _predicted(self, given: list[Given]) -> list[Predicted]:
        """Of images of one size."""
        images = [one.image_HWC for one in given]
        rows, columns = images[0].shape[:2]
        require_same(self._network.pixels, images[0], "the images to predict")
        resized_BHWC = np.stack([photos.resize(image, self._size) for image in images])
        images_BCHW = in_units(torch.from_numpy(resized_BHWC).permute(0, 3, 1, 2))
        images_BCHW = self._with_maps(images_BCHW, [one.maps for one in given])
        with process_settings.restored():
            process_settings.use(self._config.optim, self._device, training=False)
            maps_BMHW = self._scores(images_BCHW, (rows, columns))
        scores_BKHW, tasks = self._heads.split(maps_BMHW)
        labels_BHW: Labels = scores_BKHW.argmax(dim=1).cpu().numpy().astype(np.uint8)
        if "normals" in tasks:  # a mean of unit vectors is shorter
            tasks["normals"] = F.normalize(tasks["normals"], dim=1)
        further = {task: values_BCHW.cpu().numpy() for task, values_BCHW in tasks.items()}
        return [
            Predicted(image, labels_HW, {task: maps[place] for task, maps in further.items()})
            for place, (image, labels_HW) in enumerate(zip(images, labels_BHW, strict=True))
        ]

    def _with_maps(self, images_BCHW: Tensor, maps: list[TargetMaps]) -> Tensor:
        """The images with the maps that the network receives, at their size."""
        names, size = self._network.pixels.input_names, images_BCHW.shape[-2:]
        for name in names:
            lacking = sum(name not in one for one in maps)
            require(not lacking, "the images to predict", f"with {name}", f"{lacking} without it")
        resized: dict[TaskName, Tensor] = {
            name: torch.stack(
                [target_kinds.resized(name, to_tensor(name, one[name]), (*size,)) for one in maps]
            )
            for name in names
        }
        return input_maps.joined(images_BCHW, resized, names)

    def _scores(self, images_BCHW: Tensor, size: tuple[int, int]) -> Tensor:
        """(B,M,H,W) at ``size``, of all heads: of the classes the network's own logits where
        nothing is averaged, refined or resized."""
        images_BCHW = images_BCHW.to(self._device)
        names = self._network.pixels.input_names
        given = self._outputs, images_BCHW, self._how, self._heads, names
        if self._refine is not None:
            return self._refined(self._refine, scores(*given), images_BCHW, size)
        if tuple(images_BCHW.shape[-2:]) == size:
            return scores(*given)
        found_BMHW = probabilities(*given)
        return resize(found_BMHW, size)

    def _refined(
        self, refine: Refine, maps_BMHW: Tensor, images_BCHW: Tensor, size: tuple[int, int]
    ) -> Tensor:
        """The same where the classes are refined, at the size that the network sees."""
        further = sum(self._heads.channels.values())
        classes = maps_BMHW.shape[1] - further
        refined_BKHW = refine(images_BCHW, maps_BMHW[:, :classes]).softmax(dim=1)
        return resize(torch.cat([refined_BKHW, maps_BMHW[:, classes:]], dim=1), size)

    def _outputs(self, images_BCHW: Tensor) -> Tensor:
        output = forward(self._network, images_BCHW, self._config.optim, self._device)
        return self._heads.stack(output.logits_BKHW, output.tasks)


def device_of(name: str, *, cuda: bool) -> torch.device:
    """The device of this name; "" for the kind that a study ran on, ``cuda`` or the CPU.

    Raises:
        ValueError: this machine has no GPU.
    """
    name = name or ("cuda" if cuda else "cpu")
    here = name != "cuda" or torch.cuda.is_available()
    require(here, "--device", "cpu on this machine, which has no GPU", name)
    return torch.device(name)
