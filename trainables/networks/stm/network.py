"""STM: space-time memory networks (Oh et al., ICCV 2019), which follow an object through a film.

Given the object's mask in the first frame, they predict it in the next ones. A frame with its mask
is remembered as keys and values at stride 16; a new frame's key says which of them to read.
Shape letters: B clips, T frames of a clip, N = B T frames, K classes (background and object), D
features, H rows, W columns (h, w at stride 4).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.config import ModelConfig, refused, require
from trainables.config.pixels import RGB, Pixels
from trainables.networks.network import Network, Output
from trainables.networks.stm.aggregation import soft_aggregation
from trainables.networks.stm.decoder import Decoder
from trainables.networks.stm.encoders import STRIDES, FrameEncoder, KeyValue, MaskedEncoder
from trainables.networks.stm.memory import Given, Memory
from trainables.networks.stm.published import NAMES

_CLASSES = 2
_NEAR_ZERO = 1e-3
"""So that an untrained network is sure of nothing: without batch norms, features may be large."""
_STRIDE = 4
"""Of the decoder."""


class STM(Network):
    """One object's: masks of other objects are empty. A boundary head sees the decoder's last
    features, at stride 4, of the predicted frames."""

    follows = True
    published = NAMES

    def __init__(
        self,
        config: ModelConfig,
        num_classes: int,
        encoder: str = "",
        key: int = 128,
        value: int = 512,
        features: int = 256,
        strides: Sequence[int] = STRIDES,
        pixels: Pixels = RGB,
    ) -> None:
        """``encoder``: of timm; "": ``model/encoder``."""
        super().__init__()
        words = f"background and one object with {config.network}, which follows one"
        require(num_classes == _CLASSES, "classes", words, num_classes)
        name = encoder or config.encoder
        self.query_encoder = FrameEncoder(config, name, pixels, not encoder, strides)
        self.memory_encoder = MaskedEncoder(config, name, pixels, not encoder, strides)
        self.transfer = self.query_encoder.backbone.transfer
        *fine, last = self.query_encoder.channels
        self.query_key_value = KeyValue(last, key, value)
        self.memory_key_value = KeyValue(last, key, value)
        self.decoder = Decoder(2 * value, fine, features)
        self.out_channels = features
        self.classifier = nn.Conv2d(features, _CLASSES, 3, padding=1)
        nn.init.normal_(self.classifier.weight, std=_NEAR_ZERO)
        self._detached = config.detach_masks
        self.multiple = 16 if encoder else 32  # some encoders look further than their features,
        self.unused_parameters = not encoder  # and some of their layers serve coarser ones alone

    def memorise(self, frames_B3HW: Tensor, mask_BHW: Tensor) -> Memory:
        """Keys and values of frames of which the object's mask, in [0,1], is known."""
        masks_B2HW = torch.stack((mask_BHW, torch.zeros_like(mask_BHW)), dim=1)
        last_BDhw = self.memory_encoder(frames_B3HW, masks_B2HW)[-1]
        return Memory(*(x_BDhw.unsqueeze(2) for x_BDhw in self.memory_key_value(last_BDhw)))

    def segment(self, frames_B3HW: Tensor, memory: Memory) -> Output:
        """The object in these frames, one of each film that the memory has."""
        return self._decoded(self.query_encoder(frames_B3HW), memory)

    def forward(self, frames_N3HW: Tensor, known: Given | Memory | None = None) -> Output:
        """Logits (.,2,H,W) of frames, sides multiples of 16.

        Args:
            frames_N3HW: of each clip all frames, in order; with a memory, one of each film.
            known: the object's mask in the first frame of each clip: the other N - B frames are
                predicted, each from all earlier ones; or a memory.

        Raises:
            ValueError: nothing is known of the object.
        """
        if known is None:
            needs = "frames and the object's mask in the first one: evaluated film by film"
            raise refused("the input of a network that follows an object", needs, "frames alone")
        if isinstance(known, Memory):
            return self.segment(frames_N3HW, known)
        return self._clips(frames_N3HW.unflatten(0, (len(known.masks_BHW), -1)), known)

    def _clips(self, frames_BT3HW: Tensor, given: Given) -> Output:
        later_BT3HW = frames_BT3HW[:, 1:]
        stages = self.query_encoder(later_BT3HW.flatten(0, 1))
        queries = [x_NDhw.unflatten(0, later_BT3HW.shape[:2]) for x_NDhw in stages]
        masks_BHW, memory, found = given.masks_BHW, None, list[Output]()
        for place in range(later_BT3HW.shape[1]):
            seen = self.memorise(frames_BT3HW[:, place], given.padding.around(masks_BHW))
            memory = seen if memory is None else memory.followed_by(seen)
            found.append(self._decoded([x_BTDhw[:, place] for x_BTDhw in queries], memory))
            masks_BHW = given.padding.cut(object_of(found[-1].logits_BKhw))
            masks_BHW = masks_BHW.detach() if self._detached else masks_BHW
        return _joined(found)

    def _query(self, last_BDhw: Tensor) -> tuple[Tensor, Tensor]:
        """Key and value of each place of a frame."""
        key_and_value: tuple[Tensor, Tensor] = self.query_key_value(last_BDhw)
        return key_and_value

    def _decoded(self, stages: list[Tensor], memory: Memory) -> Output:
        *fine, last = stages
        key_BChw, value_BVhw = self._query(last)
        features_BDhw = self.decoder(memory.read(key_BChw, value_BVhw), fine)
        scores_BKhw = self.classifier(features_BDhw)
        scores_BKHW = F.interpolate(
            scores_BKhw, scale_factor=_STRIDE, mode="bilinear", align_corners=False
        )
        own_B1HW = (scores_BKHW[:, 1:] - scores_BKHW[:, :1]).float()
        return Output(soft_aggregation(own_B1HW), features_BDhw)


def object_of(logits_BKHW: Tensor) -> Tensor:
    """(B,H,W): the object's probability, which is remembered; not the arg-max."""
    return logits_BKHW.softmax(dim=1)[:, 1]


def _joined(frames: list[Output]) -> Output:
    """Clip by clip, the frames of each in order."""
    logits, features = (
        torch.stack([found[place] for found in frames], dim=1).flatten(0, 1)  # type: ignore[misc]
        for place in (0, 1)
    )
    return Output(logits, features)
