"""Affinity Regression's Tables 1 to 3 (Cao et al., arXiv 2103.04990)."""

from search_spaces.grid import Cell, Changes, Grid, Published, percent
from search_spaces.setup import AS_THEY_ARE, Setup
from search_spaces.space import Value

_AR: Changes = {"loss/ar": 0.1}
_SCALES = "0.5,0.75,1,1.25,1.5,1.75"
"""PSPNet's; the paper says that it follows it."""


def _nyuv2(name: str, network: str, recipe: str, protocol: str = "single-scale") -> Setup:
    several: dict[str, Value] = {"eval/scales": _SCALES, "eval/flip": True}
    config: dict[str, Value] = {
        **AS_THEY_ARE,
        "data/dataset": "nyuv2",
        "model/network": network,
        "model/weights": "imagenet",
    }
    del config["model/init"]  # the paper continues a trained network, which --init gives
    return Setup(
        name=f"{name}, NYUv2 val",
        network=name,
        dataset="NYUv2",
        images="val",
        protocol=protocol,
        config=config if protocol == "single-scale" else {**config, **several},
        counts={"train": 795, "test": 654},
        recipe=recipe,
    )


_SETUPS = (
    _nyuv2("RefineNet-LW-50", "refinenet_lw_50", "ar_nyuv2"),
    _nyuv2("PSPNet-101", "pspnet_r101", "ar_nyuv2_pspnet", "multi-scale and mirrored"),
    _nyuv2("RefineNet-LW-152", "refinenet_lw_152", "ar_nyuv2_152"),
)


def _nyu(*mious: float) -> Published:
    """mIoU in percent of the paper's three networks."""
    return {
        name: row
        for setup, miou in zip(_SETUPS, mious, strict=True)
        for name, row in percent(setup.name, miou=miou).items()
    }


TABLE1 = Grid(
    name="table1",
    question="Does regressing affinities from the first step on help?",
    source="AR (Cao et al., 2021), Table 1; the paper adds the term to a trained network instead",
    baseline="without",
    cells=(
        Cell(name="without", changes={}, published=_nyu(41.7, 42.6, 44.4)),
        Cell(name="+ AR loss", changes=_AR, published=_nyu(42.0, 43.3, 45.3)),
        Cell(name="+ AR loss, last 25 %", changes={**_AR, "loss/schedule": "ar from 0.75"}),
    ),
    setups=_SETUPS,
)
"""The paper adds the loss once training has peaked: the grid ``after_the_peak`` does that."""

_LONGER = "without, trained on as long"
AFTER_THE_PEAK = Grid(
    name="after_the_peak",
    question="Does regressing affinities help a network that has reached its peak?",
    source="AR (Cao et al., 2021), 4.3: a second training with the loss, from the first one's best "
    "network; the control trains on as long without it, which the paper does not report",
    baseline=_LONGER,
    cells=(
        Cell(name="without", changes={}, published=_nyu(41.7, 42.6, 44.4)),
        Cell(name=_LONGER, changes={}, after="without"),
        Cell(
            name="+ AR loss, after the peak",
            changes=_AR,
            after="without",
            published=_nyu(42.0, 43.3, 45.3),
        ),
    ),
    setups=_SETUPS,
)
"""``--set eval/checkpoint=best`` starts from the best network, as the paper does; the default is
the last one. The second training has the schedule of the first, from its beginning."""

_SLOPE = (
    "a training with the paper's batch and iterations, by which a slope is scaled; the report's "
    "section on the slope has the same figures of each trial here"
)
_CURVE = Setup(
    name="RefineNet-LW-152, NYUv2, by iteration",
    network="RefineNet-LW-152",
    dataset="NYUv2",
    images="train and val",
    protocol="the AR loss in a second training of a trained network",
    needs=_SLOPE,
    recipe="ar_nyuv2_152",
    config={"data/dataset": "nyuv2", "model/network": "refinenet_lw_152"},
)

TABLE2 = Grid(
    name="table2",
    question="Does the AR loss fall while it is regressed?",
    source="AR (Cao et al., 2021), Table 2 and the text on it",
    baseline="without",
    cells=(
        Cell(
            name="without", changes={}, published={_CURVE.name: {"val/affinity_regression": 0.187}}
        ),
        Cell(
            name="+ AR loss",
            changes=_AR,
            published={
                _CURVE.name: {
                    "val/affinity_regression": 0.165,
                    "ar_intercept": 1.864e-2,
                    "ar_intercept_error": 1.023e-4,
                    "ar_intercept_t": 182.210,
                    "ar_slope": -8.079e-7,
                    "ar_slope_error": 9.227e-8,
                    "ar_slope_t": -8.755,
                }
            },
        ),
    ),
    setups=(_CURVE,),
)
"""Both p are below 2e-16 there."""

_ICNET = "ICNet-50, Cityscapes test"

TABLE3 = Grid(
    name="table3",
    question="Does it help a real-time network, and as much as more data would?",
    source="AR (Cao et al., 2021), Table 3",
    baseline="without",
    cells=(
        Cell(name="without", changes={}, published=percent(_ICNET, miou=69.5)),
        Cell(
            name="with coarse data",
            changes={},
            published=percent(_ICNET, miou=70.5),
            needs="a training list of its own: Cityscapes' coarse annotations",
        ),
        Cell(name="+ AR loss", changes=_AR, published=percent(_ICNET, miou=71.0)),
    ),
    setups=(
        Setup(
            name=_ICNET,
            network="ICNet-50",
            dataset="Cityscapes",
            images="test",
            needs="Cityscapes' test labels, which only its server has",
            recipe="ar_cityscapes",
            config={
                **AS_THEY_ARE,
                "data/dataset": "cityscapes",
                "model/network": "icnet_r50",
                "model/weights": "imagenet",
            },
        ),
    ),
)

READINGS = Grid(
    name="readings",
    question="Does the square root matter, and how the scores are sampled?",
    source="AR (Cao et al., 2021), 3.1 to 3.3: it argues for the square root without a figure, and "
    "does not say how scores are sampled",
    baseline="square root, nearest",
    cells=(
        Cell(name="without", changes={}),
        Cell(name="square root, nearest", changes=_AR),
        Cell(name="dot product", changes={**_AR, "loss/ar_kernel": "dot_product"}),
        Cell(name="average-pooled scores", changes={**_AR, "loss/ar_sampling": "average"}),
    ),
)

GRIDS = (TABLE1, AFTER_THE_PEAK, TABLE2, TABLE3, READINGS)
