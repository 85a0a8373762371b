"""The recipes of HRNet-OCR on Cityscapes, alone and with HMS, after the released code of HMS."""

from collections.abc import Mapping

from trainables.config.recipe import Recipe
from trainables.config.validation import Value

_RELEASED: Mapping[str, Value] = {
    "data/scale_min": 0.5,
    "data/scale_max": 2.0,
    "data/flip": True,
    "data/dataset": "cityscapes",
    "data/crop_height": 1024,
    "data/crop_width": 2048,
    "model/weights": "imagenet",
    "batch": 8,
    "epochs": 175,
    "optim/optimizer": "sgd",
    "optim/momentum": 0.9,
    "optim/lr": 5e-3,
    "optim/weight_decay": 1e-4,
    "optim/schedule": "poly",
    "optim/poly_power": 2.0,
}
_MISSING = (
    "no weights of Mapillary Vistas (--init FILE), no labels that HMS generated for coarse images, "
    "no class-uniform sampling; HMS's loss is --set loss/xe=0 --set loss/rmi=1"
)

CITYSCAPES_RECIPES: Mapping[str, Recipe] = {
    "inverseform_cityscapes": Recipe(
        "InverseForm (CVPR 2021), Sec. 4.3: HRNet-48 with OCR, trained as the released code of HMS",
        {**_RELEASED, "model/network": "hrnet_w48_ocr"},
        "InverseForm's own settings are in an appendix that is not public; no HMS "
        f"(hms_cityscapes); {_MISSING}",
    ),
    "hms_cityscapes": Recipe(
        "HMS (Tao et al., arXiv 2005.10821), its released code: HRNet-48 with OCR, trained at the "
        "scales 0.5 and 1, tested at 0.5, 1 and 2",
        {
            **_RELEASED,
            "model/network": "hms_hrnet_w48_ocr",
            "model/attention_scales": "0.5,1",
            "model/test_attention_scales": "0.5,1,2",
        },
        f"{_MISSING}; rates fall by step, not by epoch",
    ),
}
