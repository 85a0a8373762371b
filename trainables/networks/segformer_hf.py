"""SegFormer (Xie et al., NeurIPS 2021) as transformers has it, an extra. Output stride 4.

Shape letters: B images, D features, H rows, W columns (h, w at stride 4).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor, nn

from trainables.config import ModelConfig, refused
from trainables.config.pixels import RGB, Pixels
from trainables.networks.network import Network, Output, mean_and_std, normalized
from trainables.networks.weights import first, read_state, unreachable

if TYPE_CHECKING:
    from transformers import SegformerConfig, SegformerModel

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_HUB = "nvidia/{}"
_LICENCE = "NVIDIA Source Code License: no commercial use"


class _Size(NamedTuple):
    hidden: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    decoder: int


_WIDE = (64, 128, 320, 512)
SIZES = {
    "mit_b0": _Size((32, 64, 160, 256), (2, 2, 2, 2), 256),
    "mit_b1": _Size(_WIDE, (2, 2, 2, 2), 256),
    "mit_b2": _Size(_WIDE, (3, 4, 6, 3), 768),
    "mit_b3": _Size(_WIDE, (3, 4, 18, 3), 768),
    "mit_b4": _Size(_WIDE, (3, 8, 27, 3), 768),
    "mit_b5": _Size(_WIDE, (3, 6, 40, 3), 768),
}
"""By ``model/encoder``: the paper's Table 6, and the width of its decoder."""


class SegformerHF(Network):
    """The Mix Transformer and its all-MLP decoder; dropout and stochastic depth are off."""

    def __init__(self, config: ModelConfig, num_classes: int, pixels: Pixels = RGB) -> None:
        super().__init__()
        sizes = _sizes(config.encoder, num_classes, pixels.bands)
        from transformers import SegformerForSemanticSegmentation

        model = SegformerForSemanticSegmentation(sizes)
        self.backbone, self.decoder = model.segformer, model.decode_head
        self.classifier, self.decoder.classifier = self.decoder.classifier, nn.Identity()
        self.out_channels = sizes.decoder_hidden_size
        self.mean, self.std = mean_and_std({"mean": _MEAN, "std": _STD}, pixels)
        if config.weights != "none":
            self.backbone, self.transfer = _pretrained(config, sizes)

    def forward(self, images_B3HW: Tensor) -> Output:
        images_B3HW = normalized(images_B3HW, self.mean, self.std)
        stages = self.backbone(images_B3HW, output_hidden_states=True).hidden_states
        features_BDhw = self.decoder(stages)
        return Output(self.classifier(features_BDhw), features_BDhw)


def _sizes(encoder: str, num_classes: int, bands: int) -> "SegformerConfig":
    """The library's config.

    Raises:
        ValueError: there is no such size, or the library is not installed.
    """
    if encoder not in SIZES:
        raise refused("model/encoder", f"one of {', '.join(SIZES)} with segformer_hf", encoder)
    try:
        from transformers import SegformerConfig
    except ImportError as error:
        raise ValueError(
            f"model/network segformer_hf needs the package transformers: "
            f"pip install 'edgewise[transformers]' ({error})"
        ) from None
    size = SIZES[encoder]
    fields: dict[str, Any] = {
        "hidden_sizes": size.hidden,
        "depths": size.depths,
        "decoder_hidden_size": size.decoder,
        "num_labels": num_classes,
        "num_channels": bands,
        "drop_path_rate": 0.0,
        "classifier_dropout_prob": 0.0,
    }
    return SegformerConfig(**fields)


def _pretrained(config: ModelConfig, sizes: "SegformerConfig") -> tuple["SegformerModel", str]:
    """The transformer with weights of the hub or of a file, and where they came from."""
    from transformers import SegformerModel

    load: Any = SegformerModel.from_pretrained  # returns a pair, which its type does not say
    options = {"config": sizes, "output_loading_info": True, "ignore_mismatched_sizes": True}
    if config.weights == "imagenet":
        name = _HUB.format(config.encoder.replace("_", "-"))
        try:
            with _silent():
                model, _ = load(name, **options)
        except OSError as error:
            raise unreachable(name, error) from None
        return model, f"ImageNet weights of {name} ({_LICENCE})"
    path = Path(config.weights).expanduser()
    with _silent():  # it renames what other versions of the library wrote
        model, info = load(None, state_dict=read_state(path), **options)
    return model, _report(path, info, len(list(model.parameters())))


def _report(path: Path, info: Mapping[str, list[object]], tensors: int) -> str:
    """As ``load_backbone`` words it."""
    shapes = [str(found[0]) for found in info["mismatched_keys"]]  # type: ignore[index]
    new = [*map(str, info["missing_keys"]), *shapes]
    unused = list(map(str, info["unexpected_keys"]))
    if len(new) >= tensors:
        raise ValueError(f"model/weights: nothing in {path} fits SegformerModel")
    return (
        f"{tensors - len(new)} tensors loaded from {path.name}, "
        f"{len(new)} kept their initial values{first(new)}, "
        f"{len(unused)} in the file unused{first(unused)}"
    )


@contextmanager
def _silent() -> Iterator[None]:
    """Without the library's own report of what it loaded, which is a table."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)
