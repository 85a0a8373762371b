"""The section ``model`` of a trial's configuration: the network and its initial weights."""

from dataclasses import dataclass
from typing import Literal, get_args

from trainables.config.evaluation import parse_scales
from trainables.config.plugin_fields import PLUGIN
from trainables.config.validation import require, require_choices

_OnEncoder = Literal[
    "unet",
    "fpn",
    "unetplusplus",
    "pan",
    "manet",
    "linknet",
    "deeplabv3",
    "deeplabv3plus",
    "pspnet",
    "segformer",
    "upernet",
    "dpt",
    "segformer_hf",
    "hms",
    "sa_gate",
    "gscnn",
    "stm_small",
    "fpn_small",
]
_MultiTask = Literal["mtl_baseline", "pad_net", "mti_net", "astmt_modulated", "astmt_unmodulated"]
_Dilated = Literal["deeplabv2_r101", "deeplabv3_r50", "deeplabv3plus_r101", "pspnet_r101"]
_UPerNet = Literal["upernet_swin_t", "upernet_swin_s", "upernet_swin_b"]
_HRNet = Literal["hrnet_w18", "hrnet_w18s", "hrnet_w48", "hrnet_w48_ocr"]
_Later = Literal["hms_hrnet_w48_ocr", "sa_gate_r101", "gscnn_wrn38", "stm"]
_RefineNet = Literal["refinenet_lw_50", "refinenet_lw_101", "refinenet_lw_152"]
_Named = Literal["lraspp", _Dilated, _UPerNet, _HRNet, _RefineNet, "icnet_r50", _Later]

MULTI_TASK: tuple[str, ...] = get_args(_MultiTask)
"""Networks with a head of their own for each task."""

INITIAL = ("pad_net", "mti_net")
"""Those that predict all tasks twice, and let the tasks' features help each other in between."""

ON_ENCODER: tuple[str, ...] = (*get_args(_OnEncoder), *MULTI_TASK)
"""Networks that read ``model/encoder``."""

LATER = (*(name for name in ON_ENCODER if name not in ("unet", "fpn")), *get_args(_Later))
"""Names that earlier versions left to plug-ins: a plug-in's network of that name is its own."""

WITH_MAPS = ("sa_gate", "sa_gate_r101")
"""Networks with a branch of its own for the maps of ``data/inputs``."""

WITH_DROPOUT = (
    "deeplabv3",
    "deeplabv3plus",
    "pspnet",
    "segformer",
    "upernet",
    "dpt",
    "segformer_hf",
    "deeplabv3_r50",
    "deeplabv3plus_r101",
    "pspnet_r101",
    *get_args(_UPerNet),
    "hrnet_w48_ocr",
    "hms_hrnet_w48_ocr",
    *WITH_MAPS,
)
"""Networks whose publications or usual code (mmsegmentation) drop channels before the classifier.
RefineNet-LW drops single features elsewhere, which this is not."""


WITH_ATTENTION = ("hms", "hms_hrnet_w48_ocr")
"""Networks that predict an image at several scales, and weigh these by attention."""

FOLLOWERS = ("stm", "stm_small")
"""Networks that follow an object through films, given its mask in the first frame."""

WITHOUT_BOUNDARY_INPUT = (*("lraspp", "deeplabv2_r101", *MULTI_TASK, *WITH_ATTENTION, *FOLLOWERS),)
"""Networks whose classes come from several places or sizes, or from a memory, to which a boundary
map cannot be joined once."""

OWN_BOUNDARY = ("gscnn", "gscnn_wrn38")
"""Networks that predict boundaries and use them in the segmentation."""

WITH_VARIANT = ("sa_gate_r101", *OWN_BOUNDARY)
"""Networks whose authors' code differs from what is right."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    network: Literal["tiny", _OnEncoder, _Named, _MultiTask] = "tiny"
    """A row of ``networks/catalog.py``; ``tiny`` is our own U-Net of ``width`` channels."""

    encoder: str = "tf_efficientnet_lite0"
    """Backbone of the networks in ``ON_ENCODER``: any of timm that has the features they need, or
    SegFormer's ``mit_b0`` to ``mit_b5``."""

    features: str = ""
    """Layer of a plug-in's network whose output (B,D,h,w) a boundary head reads, by its path, such
    as ``decoder.block3``; "": the plug-in's ``FEATURES``, else none."""

    weights: str = "none"
    """Backbone weights: ``none``, ``imagenet`` (timm downloads them) or the path of a file."""

    init: str = ""
    """A file that the whole network starts from, heads too; it comes after ``weights``. What does
    not fit, such as a head for other classes, begins as without it. "": none."""

    width: int = 16
    """Channels of the tiny network at full resolution."""

    auxiliary: bool = True
    """Train the network's auxiliary heads, if it has any, with their published loss weights."""

    dropout: float = 0.0
    """Share of the feature channels before the classifier that training drops, drawn for each image
    apart; usually 0.1. Not for networks that are published without."""

    boundary_input: bool = False
    """Concatenate the boundary head's map with the features that the classifier receives, an option
    of InverseForm (3.5) that its experiments leave out: inference then runs the head, too. Where no
    loss trains the head, its map is one more channel that the segmentation learns."""

    variant: Literal["paper", "released"] = "paper"
    """``released``: SA-Gates as their code has them, whose two branches share four projections;
    GSCNN as its code has it, Canny of a normalised image and boundaries after the sigmoid, of which
    losses take it again."""

    freeze_batch_norm: bool = False
    """Keep batch norms at their initial statistics and weights, as SEMEDA does (small batches)."""

    attention_scales: str = "0.5,1"
    """Scales at which ``hms`` trains: two or more different numbers, one of them 1."""

    test_attention_scales: str = "0.5,1,2"
    """Scales that ``hms`` combines in validation and test; one of them is 1."""

    detach_masks: bool = False
    """Of ``stm`` and ``stm_small``: remember predicted masks without their gradient, as public
    training code does; the authors let gradients through all frames of a clip."""

    def __post_init__(self) -> None:
        require_choices(self, "model")
        divisible = self.width >= 4 and self.width % 4 == 0
        require(divisible, "model/width", "a multiple of 4", self.width)
        require(0 <= self.dropout < 1, "model/dropout", "in [0, 1)", self.dropout)
        known = self.network not in PLUGIN.networks
        drops = not self.dropout or (known and self.network in WITH_DROPOUT)
        allowed = f"0 with {self.network}: only {', '.join(WITH_DROPOUT)} are published with it"
        require(drops, "model/dropout", allowed, self.dropout)
        joined = not self.boundary_input or self.network not in WITHOUT_BOUNDARY_INPUT
        several = f"false with {self.network}, whose classes come from several places or scales"
        require(joined, "model/boundary_input", several, self.boundary_input)
        joined = not self.boundary_input or not known or self.network not in OWN_BOUNDARY
        itself = f"false with {self.network}, which joins its boundaries itself"
        require(joined, "model/boundary_input", itself, self.boundary_input)
        varies = self.variant == "paper" or (known and self.network in WITH_VARIANT)
        allowed = f"paper with {self.network}: only {', '.join(WITH_VARIANT)} have two"
        require(varies, "model/variant", allowed, self.variant)
        require(bool(self.weights), "model/weights", "none, imagenet or a path", self.weights)
        _scales("model/attention_scales", self.attention_scales, at_least=2)
        _scales("model/test_attention_scales", self.test_attention_scales, at_least=1)

    @property
    def training_attention(self) -> tuple[float, ...]:
        """``attention_scales`` as numbers."""
        return _scales("model/attention_scales", self.attention_scales, at_least=2)

    @property
    def test_attention(self) -> tuple[float, ...]:
        """``test_attention_scales`` as numbers."""
        return _scales("model/test_attention_scales", self.test_attention_scales, at_least=1)


def _scales(name: str, text: str, at_least: int) -> tuple[float, ...]:
    """The scales of a list; all maps are brought to the size of scale 1."""
    scales = parse_scales(name, text)
    allowed = f"a list with 1 and {at_least - 1} or more further scales, such as 0.5,1"
    require(1 in scales and len(scales) >= at_least, name, allowed, text)
    return scales
