"""Settings of the released code that config reaches: tiles by share, resized maps, attention."""

import pytest
import torch

from trainables.config import TrialConfig
from trainables.data import Dataset, load
from trainables.geometry.boundaries import boundary_maker
from trainables.losses.batch import Learned
from trainables.losses.compose import Prediction, Target, loss_terms, needs_boundary_head
from trainables.losses.cross_entropy import edge_attention
from trainables.stages import registry
from trainables.stages.inverse_net import training
from trainables.stages.inverse_net.tile_pairs import TileSource

CONFIG = TrialConfig().changed(
    {
        "data/train_images": 3,
        "data/val_images": 2,
        "data/test_images": 1,
        "data/height": 48,
        "data/width": 64,
        "loss/gamma": 1.0,
        "inverse_net/steps": 2,
        "inverse_net/batch": 4,
        "inverse_net/units": "4,4",
    }
)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load(CONFIG.data)


def test_a_share_of_the_rows_is_the_same_network_as_its_pixels(data: Dataset) -> None:
    """A third of 48 rows is 16 px; of 96 rows it is 32."""
    share = CONFIG.changed({"loss/tile_share": 1 / 3})
    assert share.tile_px == 16
    assert share.changed({"data/height": 96, "data/width": 128}).tile_px == 32
    assert share.changed({"data/crop_height": 24, "data/crop_width": 24}).tile_px == 8
    keys = {
        registry.stage_key("inverse_net", config, data.digest)
        for config in (share, CONFIG.changed({"loss/tile": 16}))
    }
    assert len(keys) == 1
    labels = torch.from_numpy(data.splits["val"].labels_NHW).long()
    boundary = torch.randn(labels.shape)
    prediction = Prediction(torch.randn(2, data.num_classes, *labels.shape[1:]), boundary)
    learned = registry.untrained(share, data.num_classes)  # refuses tiles of another size
    value = loss_terms(share.loss, prediction, Target(labels, data.num_classes), learned)
    assert value["inverse_form"].total.isfinite()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data/height": 0, "data/width": 0}, "loss/tile_share must be 0 without data/height"),
        ({"loss/tile_share": 0.1}, "a share of at least 8 px, here 5 px, got 0.1"),
        ({"loss/tile_share": 1.5}, "loss/tile_share must be 0 .. 1, got 1.5"),
    ],
)
def test_a_share_without_a_size_is_refused_in_one_line(
    changes: dict[str, float], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        CONFIG.changed({"loss/tile_share": 1 / 3, **changes})
    assert "\n" not in str(caught.value)


def test_the_released_map_has_a_stage_of_its_own_size(data: Dataset) -> None:
    """Images of 48 rows have no tile of 224; their maps of 672x1344 have 18."""
    released: dict[str, str | int] = {
        "loss/resize": "672x1344",
        "loss/variant": "released",
        "loss/tile": 224,
    }
    config = CONFIG.changed(released)
    registry.check("inverse_net", config, data)
    with pytest.raises(ValueError, match="loss/tile must be at most 48"):
        registry.check("inverse_net", CONFIG.changed({"loss/tile": 224}), data)
    assert config.changed({"loss/tile_share": 1 / 3}).tile_px == 224
    source = training.tiles_of(config, data, "val")
    pairs = source.pairs(2, torch.Generator().manual_seed(0))
    assert pairs.still_NSS.shape == (2, 224, 224)
    own = TileSource(data, "val", 16, boundary=boundary_maker("sobel", "released"))
    # The map has 14 times the rows and 21 times the columns, so 294 times the boundary.
    assert len(source.places) / len(own.places) == pytest.approx(14 * 21, rel=0.05)


def test_edge_attention_is_a_term_with_a_weight() -> None:
    config = TrialConfig().changed({"loss/edge_attention": 0.1}).loss
    assert needs_boundary_head(config)
    torch.manual_seed(0)
    logits, boundary = torch.randn(2, 3, 8, 8), 3 * torch.randn(2, 8, 8)
    labels = torch.randint(3, (2, 8, 8))
    found = loss_terms(config, Prediction(logits, boundary), Target(labels, 3), Learned())
    expected = edge_attention(logits, labels, boundary)
    assert found["edge_attention"].total == expected.total
    assert "edge_attention" not in loss_terms(
        TrialConfig().loss, Prediction(logits, boundary), Target(labels, 3), Learned()
    )
