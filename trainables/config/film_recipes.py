"""Training recipes of networks that follow an object through films, with their source."""

from collections.abc import Mapping

from trainables.config.recipe import Recipe

FILM_RECIPES: Mapping[str, Recipe] = {
    "stm_davis2016": Recipe(
        "ABL (AAAI 2022), VOS results: STM (--init with its public weights) fine-tuned for 1,000 "
        "steps of 4 clips, rate 5e-8; clips of 3 frames, crop 384 and frozen batch norms as STM",
        {
            "data/dataset": "davis2016",
            # 500 steps an epoch; all 2,079 frames are 519. No film is left with less than a clip.
            "data/train_images": 2003,
            "data/clip": 3,
            "data/clip_skip": 25,
            "data/crop_height": 384,
            "data/crop_width": 384,
            "model/network": "stm",
            "model/freeze_batch_norm": True,
            "batch": 4,
            "epochs": 2,
            "optim/optimizer": "adamw",
            "optim/lr": 5e-8,
            "optim/weight_decay": 0.0,
            "optim/schedule": "constant",
        },
        "DAVIS 2016 alone, without YouTube-VOS; crop, clips and Adam are STM's, as the paper gives "
        "none; no affine moves within a clip",
    ),
    "moving_shapes": Recipe(
        "ours: small films on which a small network learns to follow within minutes, from random "
        "weights, too; batch norms of few and unlike frames are frozen",
        {
            "data/height": 64,
            "data/width": 96,
            "data/clip": 3,
            "data/clip_skip": 5,
            "model/network": "stm_small",
            "model/freeze_batch_norm": True,
            "batch": 4,
            "epochs": 2,
            "optim/lr": 2e-3,
            "optim/warmup": 0.1,
        },
    ),
}
