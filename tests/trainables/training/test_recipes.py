"""The papers' training recipes."""

import pytest

from trainables.config import OptimConfig, TrialConfig, recipes

OURS = {recipes.BUILT_IN, "moving_shapes"}


@pytest.mark.parametrize("name", sorted(recipes.RECIPES.keys() - OURS))
def test_every_recipe_is_a_config_with_a_source(name: str) -> None:
    recipe = recipes.RECIPES[name]
    made = TrialConfig().changed(recipe.changes)
    assert made.model.weights == "imagenet" or "--init" in recipe.source
    of_ours = "ABL", "SEMEDA", "Affinity", "InverseForm"
    papers = (*of_ours, "MTI-Net", "ASTMT", "HMS", "GSCNN", "SA-Gate")
    assert any(word in recipe.source for word in papers)
    assert made.optim != OptimConfig()


def test_the_papers_numbers_are_in_their_recipes() -> None:
    """ABL, Sec. 4.1: 80k steps of 8 on 2975 images, 150k of 16 on 20210; SEMEDA, Sec. 4.2."""
    abl = TrialConfig().changed(recipes.changes("abl_cityscapes"))
    assert abl.epochs == round(80_000 * abl.batch / 2975)
    assert (abl.data.scale_min, abl.data.scale_max, abl.data.brightness) == (0.5, 2.0, 10)
    ade = TrialConfig().changed(recipes.changes("abl_ade20k"))
    assert ade.epochs == round(150_000 * ade.batch / 20_210)
    semeda = TrialConfig().changed(recipes.changes("semeda_voc"))
    assert semeda.optim.lr * semeda.optim.head_lr == pytest.approx(5e-3)
    assert semeda.model.freeze_batch_norm
    with pytest.raises(ValueError, match="--recipe must be one of abl_cityscapes"):
        recipes.changes("abl")
