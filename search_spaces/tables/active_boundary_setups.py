"""What Active Boundary Loss's figures were measured of and how (Wang et al., AAAI 2022)."""

from dataclasses import replace

from search_spaces.grid import Changes
from search_spaces.setup import AS_THEY_ARE, Setup
from search_spaces.space import Value

IABL: Changes = {"loss/lovasz": 1.0, "loss/w_a": 1.5}
"""CE + Lovasz + w_a ABL with Cityscapes' w_a."""

_MULTI = "multi-scale and mirrored"
_SCALES = {"cityscapes": "0.5,0.75,1,1.25,1.5,1.75,2", "ade20k": "0.5,0.75,1,1.25,1.5,1.75"}
"""The paper lists two sets after naming the two datasets in this order (Dataset)."""


def _config(dataset: str, network: str) -> dict[str, Value]:
    return {
        **AS_THEY_ARE,
        "data/dataset": dataset,
        "model/network": network,
        "model/weights": "imagenet",
    }


def _val(name: str, network: str, recipe: str, dataset: str, train: int, test: int) -> Setup:
    """A network on a dataset's validation list, which has that many images."""
    return Setup(
        name=f"{name}, {dataset} val",
        network=name,
        dataset=dataset,
        images="val",
        config=_config(dataset.lower(), network),
        counts={"train": train, "test": test},
        recipe=recipe,
    )


def _cityscapes(name: str, network: str, recipe: str) -> Setup:
    return _val(name, network, recipe, "Cityscapes", 2975, 500)


def _ade20k(name: str, network: str, recipe: str) -> Setup:
    return _val(name, network, recipe, "ADE20K", 20210, 2000)


def multi_scale(setup: Setup) -> Setup:
    """The same with the paper's scales and their mirrors."""
    scales = _SCALES[str(setup.config["data/dataset"])]
    return replace(
        setup,
        name=f"{setup.name}, multi-scale",
        protocol=_MULTI,
        config={**setup.config, "eval/scales": scales, "eval/flip": True},
    )


DEEPLAB = _cityscapes("DeepLabV3 R50", "deeplabv3_r50", "abl_cityscapes")
OCR = _cityscapes("OCR HRNet-W48", "hrnet_w48_ocr", "abl_cityscapes_ocr")
W18S = _cityscapes("FCN HRNetV2-W18s", "hrnet_w18s", "abl_cityscapes_ocr")
OCR_ADE20K = _ade20k("OCR HRNet-W48", "hrnet_w48_ocr", "abl_ade20k")
SWIN_ADE20K = _ade20k("UperNet Swin-T", "upernet_swin_t", "abl_ade20k_swin")
SWIN_B_ADE20K = multi_scale(_ade20k("UperNet Swin-B", "upernet_swin_b", "abl_ade20k_swin"))
OCR_BOUNDARY = replace(
    multi_scale(OCR),
    protocol=f"{_MULTI}, boundary F 1 where a class is in neither map",
)
"""Table 6; the paper's scorer is that of SegFix."""
