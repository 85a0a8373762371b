"""Training recipes of networks that the four papers name as hosts of their losses."""

from trainables.config.recipe import Recipe

HOST_RECIPES: dict[str, Recipe] = {
    "gscnn_cityscapes": Recipe(
        "GSCNN (Takikawa et al., ICCV 2019), as its released code trains: crop 720, 175 epochs",
        {
            "data/dataset": "cityscapes",
            "data/scale_min": 0.5,
            "data/scale_max": 2.0,
            "data/flip": True,
            "data/crop_height": 720,
            "data/crop_width": 720,
            "model/network": "gscnn_wrn38",
            "model/weights": "imagenet",
            "batch": 16,
            "epochs": 175,
            "optim/optimizer": "sgd",
            "optim/lr": 0.01,
            "optim/momentum": 0.9,
            "optim/weight_decay": 1e-4,
            "optim/schedule": "poly",
            "optim/poly_power": 1.0,
        },
        "timm lacks ImageNet weights of WideResNet-38: give --weights FILE or --weights none; no "
        "dropout in its last stages; the rate falls at every step, not epoch; the batch is of 2 on "
        "each of 8 GPUs, as the code gives it by GPU; losses are the grid's or a space's",
    ),
}
