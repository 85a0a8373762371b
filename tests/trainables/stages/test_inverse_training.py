"""What an inverse network's training reduces, and what the networks differ in."""

import pytest
import torch

from trainables.config import TrialConfig
from trainables.data import Dataset, load
from trainables.geometry import homography
from trainables.losses.geodesic import distance_of, geodesic_distance
from trainables.losses.inverse_form import euclidean_distance
from trainables.stages.inverse_net import training
from trainables.stages.inverse_net.objective import objective

CONFIG = TrialConfig().changed(
    {
        "data/train_images": 8,
        "data/val_images": 4,
        "data/test_images": 1,
        "loss/gamma": 1.0,
        "loss/tile": 8,
        "inverse_net/steps": 200,
        "inverse_net/batch": 16,
        "inverse_net/units": "32,16",
        "inverse_net/features": 8,
    }
)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load(CONFIG.data)


@pytest.mark.parametrize("network", ["plain", "dense", "aet", "aet_dense"])
@pytest.mark.parametrize("distance", ["euclidean", "geodesic"])
def test_every_network_is_trained_by_the_distance_that_measures(
    data: Dataset, network: str, distance: str
) -> None:
    config = CONFIG.changed({"inverse_net/network": network, "loss/distance": distance})
    assert training.trained_by(config) == distance
    stage = training.train(config, data)
    tiles = torch.rand(3, 8, 8)
    assert stage.network(tiles, tiles.flip(0)).shape == (3, training.outputs_of(config))
    assert training.outputs_of(config) == (6 if distance == "euclidean" else 8)
    assert sum(stage.curve[-10:]) < sum(stage.curve[:10])


def test_the_distance_that_trains_decides_the_network(data: Dataset) -> None:
    """Equal seeds and pairs: only the objective differs, and with it the weights."""
    measured = CONFIG.changed({"loss/distance": "geodesic", "inverse_net/steps": 5})
    by = {
        kind: training.train(measured.changed({"inverse_net/distance": kind}), data)
        for kind in ("same", "geodesic", "euclidean")
    }
    weights = {kind: next(iter(stage.network.parameters())) for kind, stage in by.items()}
    assert torch.equal(weights["same"], weights["geodesic"])
    assert not torch.equal(weights["same"], weights["euclidean"])
    assert by["same"].curve[0] != by["euclidean"].curve[0]


def test_a_network_may_regress_the_distance_itself(data: Dataset) -> None:
    """Its one output is the distance; it is not asked where to."""
    config = CONFIG.changed({"inverse_net/output": "distance"})
    stage = training.train(config, data)
    assert "shift_error_px" not in stage.quality
    assert "shift_rank" in stage.quality
    found = torch.tensor([[-2.0], [0.5]])
    for kind, of_theta in (("euclidean", euclidean_distance), ("geodesic", geodesic_distance)):
        torch.testing.assert_close(distance_of(kind)(found), found.abs().squeeze(1))  # type: ignore[arg-type]
        theta = homography.sample(2, 8, torch.Generator().manual_seed(0))
        target = homography.normalise(theta, 8)
        expected = (found.squeeze(1) - of_theta(target)).square().mean()
        value = objective(found, target, kind, 0.1, "bounded")  # type: ignore[arg-type]
        torch.testing.assert_close(value, expected)


@pytest.mark.parametrize("change", [{"inverse_net/network": "dense"}, {"inverse_net/unlike": True}])
def test_the_distance_alone_is_the_paper_networks(change: dict[str, str | bool]) -> None:
    with pytest.raises(ValueError, match="inverse_net/output must be transformation unless"):
        CONFIG.changed({"inverse_net/output": "distance", **change})


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("inverse_net/units", "1000,", "one or more whole numbers >= 1, such as 1000,32"),
        ("inverse_net/units", "0", "one or more whole numbers >= 1"),
        ("inverse_net/rotation", 181.0, r"0 \.\. 180, got 181"),
        ("inverse_net/corners", 0.3, r"0 \.\. 0.2, got 0.3"),
        ("inverse_net/zoom", -0.1, r"0 \.\. 0.9"),
        ("inverse_net/blur", 0.0, "a finite number > 0"),
        ("inverse_net/adversary_lr", float("inf"), "a finite number > 0"),
        ("edge_net/clean_share", 1.5, r"0 \.\. 1"),
    ],
)
def test_a_value_out_of_range_is_one_clear_line(path: str, value: str | float, words: str) -> None:
    with pytest.raises(ValueError, match=f"{path} must be {words}"):
        TrialConfig().changed({path: value})


def test_soft_tiles_and_wider_ranges_reach_the_pairs(data: Dataset) -> None:
    """Not softened, a moved tile keeps the height of a line; a range of zero moves nothing."""
    still = {f"inverse_net/{name}": 0.0 for name in ("rotation", "shear", "zoom", "shift")}
    for soften, equal in ((False, True), (True, False)):
        config = CONFIG.changed({**still, "inverse_net/soften": soften})
        pairs = training.tiles_of(config, data, "val").pairs(20, torch.Generator().manual_seed(0))
        assert torch.allclose(pairs.moved_NSS, pairs.still_NSS, atol=1e-5) is equal
        assert (pairs.target_NC == 0).all()
