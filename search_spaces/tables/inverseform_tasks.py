"""InverseForm's Tables 2 and 3 (Borse et al., CVPR 2021): RGB-D networks, and several tasks.

Of Table 2's networks SA-Gate exists here, on depth where the paper has HHA: its rows run, and their
published figures stand beside them as those of another input. Figure 5 plots figures without
printing them.
"""

from search_spaces.grid import Cell, Changes, Grid, percent
from search_spaces.setup import AS_THEY_ARE, Setup
from search_spaces.tables.tasks import ON_EDGES, PAPER

_SA_GATE: Changes = {"model/network": "sa_gate_r101", "data/inputs": "depth"}
_HHA = "SA-Gate on RGB and depth as HHA, which Edgewise does not compute (its rows run on depth)"
_RIVALS = "NYUv2, each network as its own paper measures it"


def _row2(
    name: str, miou: float, accuracy: float | None = None, changes: Changes | None = None
) -> Cell:
    others = {} if accuracy is None else {"pixel_accuracy": accuracy}
    method = name.partition(",")[0]
    needs = "" if changes else f"{method}, which Edgewise does not have"
    published = percent(_RIVALS, miou=miou, **others)
    return Cell(name=name, changes=changes or {}, published=published, needs=needs)


TABLE2 = Grid(
    name="table2",
    question="Does InverseForm improve the best RGB-D network?",
    source="InverseForm (Borse et al., CVPR 2021), Table 2",
    baseline="SA-Gate, ResNet-101",
    cells=(
        _row2("TD-Net, PSPNet-50", 43.5, 55.2),
        _row2("PAD-Net, ResNet-50", 50.2, 75.2),
        _row2("PAP-Net, ResNet-50", 50.4, 76.2),
        _row2("MTI-Net, HRNet-w48", 49.0),
        _row2("RSP, ResNet-152", 46.5, 73.6),
        _row2("ACNet, ResNet-50", 48.3),
        _row2("Malleable 2.5D, ResNet-101", 50.9, 76.9),
        _row2("SA-Gate, ResNet-101", 52.4, 77.9, _SA_GATE),
        _row2("SA-Gate, ResNet-101, InverseForm", 53.1, 78.1, {**_SA_GATE, **PAPER}),
    ),
    setups=(
        Setup(
            name=_RIVALS,
            network="each row's network",
            dataset="NYUv2",
            images="test",
            protocol="SA-Gate multi-scale on RGB and depth, the others as in their papers",
            needs=_HHA,
        ),
    ),
)

_ASTMT = "astmt_modulated"
_ADVERSARIAL = "ASTMT's adversarial training, which Edgewise does not have"
_METRICS = ("miou", "ods_f", "saliency_miou", "parts_miou", "normals_mean_angle", "delta_m")
_DEGREES = "normals_mean_angle"
_TABLE3 = {
    "SE-ResNet-26+ASTMT": (
        (64.61, 71.0, 64.70, 57.25, 15.00, -0.11),
        (65.13, 71.4, 65.29, 57.93, 15.07, 0.49),
    ),
    "SE-ResNet-50+ASTMT": (
        (68.00, 72.4, 66.13, 61.10, 14.60, -0.04),
        (68.83, 72.5, 67.50, 61.13, 14.55, 0.95),
    ),
    "SE-ResNet-101+ASTMT": (
        (68.51, 73.5, 67.72, 63.41, 14.37, -0.6),
        (70.14, 73.7, 68.70, 64.76, 14.55, 0.39),
    ),
    "ResNet-18+MTI-Net": (
        (65.70, 73.9, 66.80, 61.60, 14.60, 3.84),
        (65.96, 74.2, 67.23, 61.71, 14.52, 4.34),
    ),
    "HRNet-w18+MTI-Net": (
        (64.30, 73.4, 68.00, 62.10, 14.80, 2.74),
        (65.12, 73.6, 68.61, 62.53, 14.67, 3.72),
    ),
}
"""By network, the rows without and with InverseForm: the metrics in their order, in percent but for
the angle, which is in degrees. Delta_m is relative to the single-task networks of other papers."""


def _row3(row: tuple[float, ...]) -> dict[str, float]:
    figures = dict(zip(_METRICS, row, strict=True))
    return {
        metric: value if metric == _DEGREES else round(value / 100, 5)
        for metric, value in figures.items()
    }


def _cell3(name: str, place: int, changes: Changes) -> Cell:
    published = {host: _row3(rows[place]) for host, rows in _TABLE3.items()}
    return Cell(name=name, changes={**_FIVE, **changes}, published=published)


def _setup3(name: str, network: str, encoder: str) -> Setup:
    return Setup(
        name=name,
        network=name,
        dataset="PASCAL",
        images="val",
        protocol="single-scale, Delta_m over the single tasks of the networks' own papers",
        needs=_ADVERSARIAL if network == _ASTMT else "",
        config={
            **AS_THEY_ARE,
            "data/dataset": "pascal_mt",
            "model/network": network,
            "model/encoder": encoder,
            "model/weights": "imagenet",
        },
        counts={"train": 4998, "test": 5105},
        recipe="astmt_pascal" if network == _ASTMT else "mti_net_pascal",
    )


_FIVE: Changes = {"task/tasks": "semseg,edge,normals,saliency,parts"}

TABLE3 = Grid(
    name="table3",
    question="Does InverseForm on the edge task help networks of several tasks?",
    source="InverseForm (Borse et al., CVPR 2021), Table 3",
    baseline="without",
    cells=(_cell3("without", 0, {}), _cell3("InverseForm", 1, ON_EDGES)),
    setups=(
        _setup3("SE-ResNet-26+ASTMT", _ASTMT, "resnet26"),
        _setup3("SE-ResNet-50+ASTMT", _ASTMT, "resnet50"),
        _setup3("SE-ResNet-101+ASTMT", _ASTMT, "resnet101"),
        _setup3("ResNet-18+MTI-Net", "mti_net", "resnet18"),
        _setup3("HRNet-w18+MTI-Net", "mti_net", "hrnet_w18_small_v2"),
    ),
)
"""The counts are the public lists'. Nobody has published InverseForm's weight here."""
