"""Training recipes by name, the papers' and one of ours: changes to the config, with their source.

`--recipe NAME` sets them; other options of the command line override them. Papers count iterations
and we count epochs: iterations times batch size over training images. Losses and their weights
belong to a space, not to a recipe. ``differs`` says in what a recipe is not the paper's.
"""

from trainables.config.cityscapes_recipes import CITYSCAPES_RECIPES
from trainables.config.data import BUILT_IN, DRAWN
from trainables.config.film_recipes import FILM_RECIPES
from trainables.config.host_recipes import HOST_RECIPES
from trainables.config.recipe import Recipe
from trainables.config.task_recipes import TASK_RECIPES
from trainables.config.validation import Value, require


def _crop(height: int, width: int) -> dict[str, Value]:
    return {"data/crop_height": height, "data/crop_width": width}


def _size(height: int, width: int) -> dict[str, Value]:
    return {"data/height": height, "data/width": width}


_SCALE: dict[str, Value] = {"data/scale_min": 0.5, "data/scale_max": 2.0, "data/flip": True}
_SGD: dict[str, Value] = {
    "optim/optimizer": "sgd",
    "optim/momentum": 0.9,
    "optim/schedule": "poly",
    "optim/poly_power": 0.9,
}
_ABL: dict[str, Value] = {**_SCALE, **_SGD, "data/brightness": 10.0, "model/weights": "imagenet"}
_ABL_DIFFERS = "dropout is off: the paper gives none (--set model/dropout=0.1)"
_ABL_CITYSCAPES: dict[str, Value] = {
    **_ABL,
    "data/dataset": "cityscapes",
    "optim/lr": 0.01,
    "optim/weight_decay": 5e-4,
    "batch": 8,
    "epochs": 215,
}
_SEMEDA: dict[str, Value] = {
    **_SCALE,
    **_SGD,
    "model/network": "deeplabv2_r101",
    "model/weights": "imagenet",
    "model/freeze_batch_norm": True,
    **_crop(321, 321),
    "batch": 6,
    "optim/lr": 5e-4,
    "optim/head_lr": 10.0,
    "optim/weight_decay": 5e-4,
}
_HALF: dict[str, Value] = {**_size(512, 1024), "data/classes": 18}
_ONE_CYCLE: dict[str, Value] = {"optim/lr": 6e-3, "optim/schedule": "one_cycle"}
_SEMEDA_SOURCE = "SEMEDA (Chen et al.), Sec. 4.2"
_SEMEDA_DIFFERS = "momentum, weight decay, scales and epochs are DeepLab's usual: not in the paper"
_MTI_NET: dict[str, Value] = {
    "model/network": "hrnet_w18",
    "model/weights": "imagenet",
    "data/flip": True,
    "batch": 8,
    "optim/optimizer": "adamw",
    "optim/lr": 1e-4,
    "optim/weight_decay": 1e-4,
    "optim/schedule": "poly",
    "optim/poly_power": 0.9,
}
_MTI_NET_SOURCE = "trained as the released code of MTI-Net (ECCV 2020), which the paper uses"
_MTI_NET_DIFFERS = (
    "InverseForm's own settings are in an appendix that is not public; AdamW for Adam with L2"
)
_AR: dict[str, Value] = {
    **_SCALE,
    **_SGD,
    "data/dataset": "nyuv2",
    **_crop(500, 500),
    "model/weights": "imagenet",
    "model/freeze_batch_norm": True,
    "batch": 6,
    "epochs": 200,
    "optim/lr": 5e-4,
    "optim/head_lr": 10.0,
    "optim/weight_decay": 1e-5,
}

RECIPES: dict[str, Recipe] = {
    "abl_cityscapes": Recipe(
        "ABL (AAAI 2022), Sec. 4.1: DeepLabV3, 80k steps of 8, crop 769",
        {**_ABL_CITYSCAPES, "model/network": "deeplabv3_r50", **_crop(769, 769)},
        _ABL_DIFFERS,
    ),
    "abl_cityscapes_ocr": Recipe(
        "ABL (AAAI 2022), Sec. 4.1: OCR on HRNetV2-W48, 80k steps of 8, crop 512x1024",
        {**_ABL_CITYSCAPES, "model/network": "hrnet_w48_ocr", **_crop(512, 1024)},
        _ABL_DIFFERS,
    ),
    "abl_ade20k": Recipe(
        "ABL (AAAI 2022), Sec. 4.1: OCR on HRNetV2-W48, 150k steps of 16, crop 520",
        {
            **_ABL,
            "data/dataset": "ade20k",
            "model/network": "hrnet_w48_ocr",
            "batch": 16,
            "epochs": 119,
            "optim/lr": 0.02,
            "optim/weight_decay": 1e-4,
            **_crop(520, 520),
        },
        _ABL_DIFFERS,
    ),
    "abl_ade20k_swin": Recipe(
        "ABL (AAAI 2022), Table 2, trained as Swin (ICCV 2021), A.3: AdamW, 160k steps of 16",
        {
            **_SCALE,
            "data/brightness": 10.0,
            "data/dataset": "ade20k",
            **_crop(512, 512),
            "model/network": "upernet_swin_t",
            "model/weights": "imagenet",
            "batch": 16,
            "epochs": 127,
            "optim/optimizer": "adamw",
            "optim/lr": 6e-5,
            "optim/weight_decay": 0.01,
            "optim/schedule": "poly",
            "optim/poly_power": 1.0,
            "optim/warmup": 1500 / 160_000,
            "model/dropout": 0.1,
        },
        "no stochastic depth: it would depend on the number of ranks; dropout is mmsegmentation's",
    ),
    "semeda_voc": Recipe(
        _SEMEDA_SOURCE,
        {
            **_SEMEDA,
            "data/dataset": "voc2012",
            "data/train_list": "train_aug",
            "epochs": 12,
        },
        _SEMEDA_DIFFERS,
    ),
    "semeda_cityscapes": Recipe(
        f"{_SEMEDA_SOURCE}; half resolution, Sec. 4.1",
        {**_SEMEDA, "data/dataset": "cityscapes", **_HALF, "epochs": 40},
        _SEMEDA_DIFFERS,
    ),
    "inverseform_nyuv2": Recipe(
        f"InverseForm (CVPR 2021), Sec. 4.1: HRNet-w18, {_MTI_NET_SOURCE}",
        {
            **_MTI_NET,
            "data/dataset": "nyuv2",
            "data/scale_max": 1.5,
            **_crop(480, 640),
            "epochs": 100,
        },
        f"{_MTI_NET_DIFFERS}; scales from 1 to 1.5, not one of 1, 1.2 and 1.5",
    ),
    **CITYSCAPES_RECIPES,
    "inverseform_pascal": Recipe(
        f"InverseForm (CVPR 2021), Sec. 4.2: HRNet-w18, {_MTI_NET_SOURCE}",
        {
            **_MTI_NET,
            "data/dataset": "pascal_context",
            "data/scale_min": 0.75,
            "data/scale_max": 1.25,
            **_crop(512, 512),
            "epochs": 80,
        },
        f"{_MTI_NET_DIFFERS}; segmentation of 59 classes, not five tasks; no rotation",
    ),
    "ar_nyuv2": Recipe(
        "Affinity regression (Cao), Sec. 4.2: 200 epochs, as Nekrasov et al. (BMVC 2018) train",
        {**_AR, "model/network": "refinenet_lw_50"},
        "poly instead of their rate halved twice; no dropout inside the decoder",
    ),
    "ar_nyuv2_152": Recipe(
        "Affinity regression (Cao), Sec. 4.2: 200 epochs, as Nekrasov et al. (BMVC 2018) train",
        {**_AR, "model/network": "refinenet_lw_152"},
        "poly instead of their rate halved twice; no dropout inside the decoder",
    ),
    "ar_nyuv2_pspnet": Recipe(
        "Affinity regression (Cao), Sec. 4.2: PSPNet-101, batch 6 on 2 GPUs, tested at six scales",
        {
            **_AR,
            "model/network": "pspnet_r101",
            "eval/scales": "0.5,0.75,1,1.25,1.5,1.75",
            "eval/flip": True,
            "model/dropout": 0.1,
        },
        "crop, rates and weight decay are RefineNet's, dropout mmsegmentation's: not in the paper",
    ),
    "ar_cityscapes": Recipe(
        "Affinity regression (Cao), Sec. 4.2: ICNet as its paper trains it (ECCV 2018, Sec. 5.1)",
        {
            **_SCALE,
            **_SGD,
            "data/dataset": "cityscapes",
            "model/network": "icnet_r50",
            "model/weights": "imagenet",
            "batch": 16,
            "epochs": 200,
            "optim/lr": 0.01,
            "optim/weight_decay": 1e-4,
            **_crop(720, 720),
        },
        "the crop's side is mmsegmentation's: the paper gives none",
    ),
    **HOST_RECIPES,
    **TASK_RECIPES,
    **FILM_RECIPES,
    BUILT_IN: Recipe(
        "ours: scenes so small that a run learns every class within seconds",
        {**_size(48, 64), **_ONE_CYCLE, "batch": 2, "epochs": 7, "inverse_net/steps": 400},
    ),
}


def usual(dataset: Value) -> str | None:
    """The recipe that a dataset has by default, of its name: only the built-in ones have any."""
    return str(dataset) if dataset in DRAWN else None


def changes(name: str) -> dict[str, Value]:
    """The config fields that a recipe sets.

    Raises:
        ValueError: there is no such recipe.
    """
    require(name in RECIPES, "--recipe", f"one of {', '.join(RECIPES)}", name)
    return dict(RECIPES[name].changes)
