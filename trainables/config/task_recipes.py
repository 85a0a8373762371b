"""Recipes of networks of several tasks or inputs, after the code that InverseForm's tables use."""

from collections.abc import Mapping

from trainables.config.recipe import Recipe
from trainables.config.validation import Value

_RELEASED: Mapping[str, Value] = {
    "data/moves": "released",
    "data/flip": True,
    "model/weights": "imagenet",
    "batch": 8,
    "optim/weight_decay": 1e-4,
}
_MTI_NET: Mapping[str, Value] = {
    **_RELEASED,
    "model/network": "mti_net",
    "model/encoder": "hrnet_w18_small_v2",
    "optim/optimizer": "adamw",
    "optim/lr": 1e-4,
    "optim/schedule": "poly",
    "optim/poly_power": 0.9,
}
_NYUD: Mapping[str, Value] = {
    "data/dataset": "nyud_mt",
    "data/targets": "edge,depth,normals",
    "task/tasks": "semseg,edge,depth,normals",
    "data/scale_max": 1.5,
    "data/crop_height": 480,
    "data/crop_width": 640,
    "epochs": 100,
}
_PASCAL: Mapping[str, Value] = {
    "data/dataset": "pascal_mt",
    "data/targets": "edge,normals,saliency,parts",
    "task/tasks": "semseg,edge,normals,saliency,parts",
    "data/scale_min": 0.75,
    "data/scale_max": 1.25,
    "data/rotate": 20.0,
    "data/crop_height": 512,
    "data/crop_width": 512,
}
_DIFFERS = (
    "AdamW for Adam with L2, and a rate that falls by step, not by epoch; the images of the "
    "validation list keep their own size"
)

_SA_GATE_NYUD: Mapping[str, Value] = {
    "data/dataset": "nyuv2",
    "data/inputs": "depth",
    "data/targets": "depth",
    "data/scale_min": 0.5,
    "data/scale_max": 1.75,
    "data/flip": True,
    "data/crop_height": 480,
    "data/crop_width": 480,
    "model/network": "sa_gate_r101",
    "model/weights": "imagenet",
    "model/dropout": 0.1,
    "batch": 16,
    "epochs": 800,
    "optim/optimizer": "sgd",
    "optim/momentum": 0.9,
    "optim/lr": 0.02,
    "optim/weight_decay": 5e-4,
    "optim/schedule": "poly",
    "optim/poly_power": 0.9,
    "optim/warmup": 0.025,
    "eval/window": "480",
}

TASK_RECIPES: Mapping[str, Recipe] = {
    "sa_gate_nyud": Recipe(
        "the released code of SA-Gate (ECCV 2020) for NYUD: 39,200 iterations",
        _SA_GATE_NYUD,
        "depth in the place of HHA, and a projection of its own in each branch; biases and norms "
        "decay, too; scales between 0.5 and 1.75, not six of them; the released code divides its "
        "gradient by the number of GPUs twice, which makes its 0.02 on two GPUs 0.01 on one",
    ),
    "mti_net_nyud": Recipe(
        "the released code of MTI-Net (ECCV 2020) for NYUD, PAD-Net's too",
        {**_MTI_NET, **_NYUD},
        f"{_DIFFERS}; scales from 1 to 1.5, not one of 1, 1.2 and 1.5",
    ),
    "mti_net_pascal": Recipe(
        "the released code of MTI-Net (ECCV 2020) for PASCAL",
        {**_MTI_NET, **_PASCAL, "epochs": 80},
        _DIFFERS,
    ),
    "astmt_pascal": Recipe(
        "the released code of ASTMT (CVPR 2019), whose learning rate stays constant",
        {
            **_RELEASED,
            **_PASCAL,
            "model/network": "astmt_modulated",
            "model/encoder": "resnet26",
            "epochs": 60,
            "optim/optimizer": "sgd",
            "optim/momentum": 0.9,
            "optim/lr": 1e-3,
            "optim/schedule": "constant",
        },
        "one step for all tasks, without adversarial training, and with mean and deviation of "
        "ImageNet; the images of the validation list keep their own size",
    ),
}
