"""Segmentation networks behind one interface, with the heads that only training uses.

Shape letters: B images, K classes, D features, H rows, W columns (h, w at the features' stride).
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.config.plugin_fields import PLUGIN
from trainables.config.tasks import NetworkTasks, TaskName
from trainables.networks.boundary_head import BoundaryHead, wider_classifier
from trainables.networks.catalog import NETWORKS
from trainables.networks.dropout import ChannelDropout
from trainables.networks.first_layer import built, require_bands, transfer_of
from trainables.networks.network import NO_TASKS, Output, resized
from trainables.networks.padding import Padding
from trainables.networks.plain_network import as_network, as_output, task_map
from trainables.networks.standardise import Standardise
from trainables.networks.stm.memory import Given, Memory
from trainables.networks.stm.network import STM
from trainables.networks.task_heads import Predicts, TaskHead, drop_classifiers, require_features
from trainables.networks.whole import load_network


class SegmenterOutput(NamedTuple):
    """The network's output for a batch: the losses' ``Prediction``, and auxiliary logits."""

    logits_BKHW: Tensor
    boundary_logits_BHW: Tensor | None
    """None where the network has no boundary head, and in evaluation."""
    auxiliary_BKHW: tuple[Tensor, ...] = ()
    """One for each of ``Segmenter.auxiliary_weights`` in training; none in evaluation."""
    tasks: Mapping[TaskName, Tensor] = NO_TASKS
    """By task other than the segmentation, its head's map at the labels' size, float (B,C,H,W):
    logits of ``edge`` and ``saliency`` (C = 1) and ``parts``, metres of ``depth`` (C = 1), vectors
    of any length of ``normals`` (C = 3)."""
    initial: tuple[Mapping[TaskName, Tensor], ...] = ()
    """The same of the initial predictions by scale, ``semseg`` among them, each enlarged to the
    labels' size; none in evaluation."""


class Segmenter(nn.Module):
    """A network; in training, also a boundary head on its features and its auxiliary heads.

    With the task ``edge``, the edge head is the boundary head, and there is no other. A network
    that predicts boundaries itself gets no boundary head.
    """

    def __init__(
        self,
        config: ModelConfig,
        num_classes: int,
        boundary_head: bool,
        pixels: Pixels = RGB,
        tasks: NetworkTasks | None = None,
    ) -> None:
        """``tasks``: what is predicted; None: the segmentation alone."""
        super().__init__()
        self.name, self.num_classes, self.pixels = config.network, num_classes, pixels
        self.tasks = tasks or NetworkTasks((("semseg", num_classes),))
        layer = config.features or PLUGIN.features.get(self.name, "")
        found = built(NETWORKS[self.name], config, num_classes, pixels, tasks)
        self.network = as_network(self.name, found, layer, pixels.bands)
        require_bands(self.name, self.network, pixels)
        self.standardise = None if pixels.plain else Standardise(pixels)
        self.dropout = ChannelDropout(config.dropout)
        self.heads = self._task_heads()
        self.predicts = None if tasks is None else Predicts(tasks)
        reads = boundary_head or config.boundary_input
        lacks = "edge" not in self.tasks.channels and not self.network.has_boundary
        self.boundary_head = self._make_head() if reads and lacks else None
        self._joined_Bhw: Tensor | None = None
        self.reads_boundary = config.boundary_input
        """Whether the classifier does, so that evaluation runs the head, too."""
        if config.boundary_input:
            self._widen_classifier()
        if config.dropout:
            classifier = self.network.get_submodule("classifier")
            classifier.register_forward_pre_hook(self._drop)
        self.multiple, self.follows = self.network.multiple, self.network.follows
        self.auxiliary_weights = self.network.auxiliary_weights if config.auxiliary else ()
        own = self.network.transfer
        self.transfer = own if self.network.splits_bands else transfer_of(own, pixels)
        """Where the initial weights came from, as a sentence for the terminal."""
        if config.init:
            self.transfer = load_network(self, Path(config.init).expanduser())

    def _make_head(self) -> BoundaryHead:
        require_features(self.name, self.network)
        return BoundaryHead(self.network.out_channels)

    def _task_heads(self) -> nn.ModuleDict:
        """One for each task that the network itself has none for."""
        if not self.tasks.segments and not self.network.tasks:
            drop_classifiers(self.name, self.network, self.num_classes)
        further = {
            name: channels
            for name, channels in self.tasks.further.items()
            if name not in self.network.tasks
        }
        if further:
            require_features(self.name, self.network)
        features = self.network.out_channels
        return nn.ModuleDict({name: TaskHead(features, further[name]) for name in further})

    def _widen_classifier(self) -> None:
        """Let the classifier receive the boundary map beside the features (InverseForm, 3.5)."""
        old, features = getattr(self.network, "classifier", None), self.network.out_channels
        self.network.classifier = wider_classifier(old, features)
        self.network.classifier.register_forward_pre_hook(self._join)

    def _join(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The features and the boundary's probabilities, which ``forward`` then need not repeat."""
        self._joined_Bhw = self._boundary(inputs[0])
        return (torch.cat((inputs[0], self._joined_Bhw.sigmoid().unsqueeze(1)), dim=1),)

    def _boundary(self, features_BDhw: Tensor) -> Tensor:
        """(B,h,w) logits of the boundary head, or of the edge task's, which then is the same."""
        if self.boundary_head is not None:
            return self.boundary_head(features_BDhw)
        edges_Bhw: Tensor = self.heads["edge"](features_BDhw).squeeze(1)
        return edges_Bhw

    def _drop(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The classifier's features; a boundary head uses them all."""
        return (self.dropout(inputs[0]), *inputs[1:])

    def _padded(self, images_B3HW: Tensor) -> tuple[Tensor, Padding]:
        """Standardised images whose sides are multiples of ``multiple``."""
        if self.standardise is not None:
            images_B3HW = self.standardise(images_B3HW)
        rows, columns = images_B3HW.shape[-2:]
        padding = Padding.of(rows, columns, self.multiple, centred=self.follows)
        return padding.around(images_B3HW), padding

    def memorise(self, frames_B3HW: Tensor, mask_BHW: Tensor) -> Memory:
        """Of a network that follows an object: frames with the object's mask, in [0,1]."""
        assert isinstance(self.network, STM)
        padded, padding = self._padded(frames_B3HW)
        return self.network.memorise(padded, padding.around(mask_BHW))

    def forward(
        self,
        images_B3HW: Tensor,
        with_boundary: bool = False,
        known: Tensor | Given | Memory | None = None,
    ) -> SegmenterOutput:
        """Logits at the images' size, for images in [0,1], or as ``Pixels`` says.

        In evaluation, the boundary head runs only ``with_boundary``: it serves losses.

        Images whose sides are not multiples of ``multiple`` are padded by repeating their edge, and
        the logits are cropped to the image.

        Args:
            images_B3HW: images, or frames: see ``known``.
            with_boundary: as above.
            known: of a network that follows an object: its mask (clips,H,W) in the first frame of
                each clip, where the images are clips, one behind the other, of which all other
                frames are predicted; or a memory of earlier frames.
        """
        padded, padding = self._padded(images_B3HW)
        count = len(padded)
        if isinstance(known, Tensor):
            known, count = Given(known, padding), count - len(known)
        given = () if known is None else (known,)
        output = as_output(self.name, self.network(padded, *given), count, self.num_classes)
        joined_Bhw, self._joined_Bhw = self._joined_Bhw, None
        if output.boundary_Bhw is not None:
            joined_Bhw = output.boundary_Bhw

        def at_label_size(maps_BKhw: Tensor) -> Tensor:
            return padding.cut(resized(maps_BKhw, padded))

        size = images_B3HW.shape[-2:]
        logits_BKHW = images_B3HW.new_zeros(count, self.num_classes, *size)
        if self.tasks.segments:
            logits_BKHW = at_label_size(output.logits_BKhw)
        maps = self._task_maps(output, joined_Bhw)
        tasks = {name: at_label_size(map_BChw) for name, map_BChw in maps.items()} or NO_TASKS
        if not (self.training or with_boundary):
            return SegmenterOutput(logits_BKHW, None, tasks=tasks)
        boundary_BHW = None
        if "edge" in tasks:
            boundary_BHW = tasks["edge"].squeeze(1)
        elif joined_Bhw is not None or self.boundary_head is not None:
            if joined_Bhw is None:
                assert output.features_BDhw is not None, "a Network with out_channels has features"
                joined_Bhw = self._boundary(output.features_BDhw)
            boundary_BHW = at_label_size(joined_Bhw.unsqueeze(1)).squeeze(1)
        auxiliary = tuple(at_label_size(logits) for logits in output.auxiliary)
        initial = tuple(
            {name: at_label_size(map_BChw) for name, map_BChw in scale.items()}
            for scale in output.initial
        )
        return SegmenterOutput(logits_BKHW, boundary_BHW, auxiliary, tasks, initial)

    def _task_maps(self, output: Output, joined_Bhw: Tensor | None) -> dict[TaskName, Tensor]:
        """(B,C,h,w) of each task but the segmentation, of the network's own heads and the others.

        The edge task's head uses all features, as a boundary head does.
        """
        maps: dict[TaskName, Tensor] = {}
        features_BDhw = output.features_BDhw
        for name, channels in self.tasks.further.items():
            if name not in self.heads:
                maps[name] = task_map(self.name, output, name, channels)
                continue
            assert features_BDhw is not None, "a Network with out_channels has features"
            if name == "edge":
                edges_Bhw = self._boundary(features_BDhw) if joined_Bhw is None else joined_Bhw
                maps[name] = edges_Bhw.unsqueeze(1)
            else:
                maps[name] = self.heads[name](self.dropout(features_BDhw))
        return maps


@lru_cache(maxsize=4)
def transfer_report(
    config: ModelConfig,
    num_classes: int,
    pixels: Pixels = RGB,
    tasks: NetworkTasks | None = None,
) -> str:
    """How many of the initial weights are loaded, new and unused, as a sentence.

    Raises:
        ValueError: the file is missing, holds no weights, or none that fit.
    """
    given = num_classes, False, pixels, tasks
    return Segmenter(config, *given).transfer
