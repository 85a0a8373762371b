"""How a new study trains on GPUs where nobody says otherwise, as part of its base config.

A study on CPUs, an earlier study that is resumed and one that is run again keep their config.
"""

from collections.abc import Iterator, Mapping, Sequence

from cluster.resources import Node
from search_spaces import Grid, Space
from study.analysis.gpu_settings import in_words
from study.ledger.plan import Plan
from study.planning.base_config import base_config
from study.planning.request import StudyRequest
from trainables.config import TrialConfig, Value, recipes
from trainables.config.plugin_fields import PLUGIN

_ON_CPU: Mapping[str, Value] = {
    "optim/precision": "fp32",
    "optim/channels_last": False,
    "optim/compile": False,
}
"""A CPU may take a hundred times as long for bf16, and says nothing about a GPU either way."""


def base_on(
    nodes: Sequence[Node], request: StudyRequest, space: Space, grid: Grid | None
) -> TrialConfig:
    """The base config of a request, with the defaults of GPUs if its lanes have any."""
    base = base_config(request, {} if grid else space.base)
    if not request.gpus_per_worker:
        return base
    named = set(_named(request, base, space, grid))
    return base.changed({p: v for p, v in _defaults(base, named, nodes).items() if p not in named})


def _named(
    request: StudyRequest, base: TrialConfig, space: Space, grid: Grid | None
) -> Iterator[str]:
    """The fields that the user, a paper's condition, a cell or a space decides."""
    yield from request.set_values()
    recipe = request.recipe or recipes.usual(base.data.dataset)
    yield from recipes.changes(recipe) if recipe else {}
    if grid is None:
        yield from space.base
        yield from (dimension.path for dimension in space.dimensions)
    for cell in grid.cells if grid else ():
        yield from cell.changes
        yield from (dimension.path for dimension in cell.searched)


def _defaults(base: TrialConfig, named: set[str], nodes: Sequence[Node]) -> dict[str, Value]:
    found: dict[str, Value] = {
        "optim/channels_last": True,
        "optim/cudnn_benchmark": "optim/deterministic" not in named,
        "optim/fused": base.optim.optimizer not in PLUGIN.optimizers,
    }
    chosen = "optim/precision" in named
    if _all_have_bf16(nodes) and not chosen:
        found["optim/precision"] = "bf16"
    # In lower precision the network gains nothing by TF32, and the losses are fp32 by intent.
    if found.get("optim/precision", base.optim.precision) != "fp32":
        found["optim/tf32"] = "none"
    return found


def _all_have_bf16(nodes: Sequence[Node]) -> bool:
    """Whether all cards that are known by now have bf16; a lane refuses another that joins."""
    known = [node.has_bf16 for node in nodes if node.here and node.gpus]
    return bool(known) and all(known)


def on_cpu(config: TrialConfig, plan: Plan) -> TrialConfig:
    """The config with which this machine's CPU times a study that runs on GPUs."""
    return config.changed(_ON_CPU) if plan.gpus_per_worker else config


def line(plan: Plan) -> dict[str, str]:
    """The plan's line about its GPUs, by its label; nothing for a study on CPUs."""
    if not plan.gpus_per_worker:
        return {}
    return {"on GPUs": f"{in_words(plan.base)}; {_change(plan.base)}"}


def _change(base: Mapping[str, Value]) -> str:
    if base.get("optim/precision") == "bf16":
        return "losses stay fp32; --set optim/precision=fp32 and the like change it"
    return "bf16 is the default on cards that are known to have it: --set optim/precision=bf16"
