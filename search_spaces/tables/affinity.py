"""Affinity Regression's Tables 1 and 3 (Cao et al., arXiv 2103.04990)."""

from search_spaces.grid import Cell, Changes, Grid, Published, percent

_AR: Changes = {"loss/ar": 0.1}


_ICNET = "ICNet-50, Cityscapes test"


def _nyu(refinenet_50: float, pspnet_101: float, refinenet_152: float) -> Published:
    """mIoU in percent of the paper's three networks."""
    return (
        percent("RefineNet-LW-50, NYUv2 val", miou=refinenet_50)
        | percent("PSPNet-101, NYUv2 val", miou=pspnet_101)
        | percent("RefineNet-LW-152, NYUv2 val", miou=refinenet_152)
    )


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
)
"""The paper adds the loss once training has peaked, but does not say after which of its 200 epochs;
a term that starts late is closest to that."""

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
            needs="Cityscapes' coarse annotations, which Edgewise does not read",
        ),
        Cell(name="+ AR loss", changes=_AR, published=percent(_ICNET, miou=71.0)),
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

GRIDS = (TABLE1, TABLE3, READINGS)
