"""Conversion between a plan and the first line of its ledger."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from search_spaces.grid import GridEvent, grid_from_event
from search_spaces.space import DimensionEvent, dimension_from_event
from study.ledger.design import Ablation, Search
from study.ledger.gpu_share import GpuShare
from study.ledger.json_records import Json, build, mapping, plain
from study.ledger.json_types import require_types
from study.ledger.plan import Plan, PluginText
from study.ledger.prior_trials import Replayed, WarmStart, WarmStartSource, WarmStartTrial
from study.ledger.short_config import completed, shortened
from trainables.metrics.catalog import Metric
from trainables.metrics.declared import declare

_METRICS = "plugin_metrics"


def plan_to_json(plan: Plan) -> Json:
    """Convert a plan to its keys in the ledger."""
    # With one objective, the line stays as older versions wrote it.
    several = {"objectives": dict(plan.objectives)} if len(plan.objectives) > 1 else {}
    return {
        "study": plan.study,
        "space": plan.space,
        "question": plan.question,
        "base": shortened(plan.base),
        "objective": plan.objective,
        "mode": plan.mode,
        **several,
        **plan.design.to_json(),
        "seed": plan.seed,
        "lanes": plan.lanes,
        "workers": plan.workers,
        "cpus_per_worker": plan.cpus_per_worker,
        "gpus_per_worker": plan.gpus_per_worker,
        **({"gpu_share": plain(plan.gpu_share)} if plan.gpu_share else {}),
        **({"budget": dict(plan.budget)} if plan.budget else {}),
        **({"correction": plan.correction} if plan.correction != "holm" else {}),
        **({"smallest": plan.smallest} if plan.smallest is not None else {}),
        **({"fresh": True} if plan.fresh else {}),
        **({"sharing": True} if plan.sharing else {}),
        **({"parts": plain(plan.plugin)} if plan.plugin else {}),  # the key's name in schema 1
        **({_METRICS: _metrics_to_json(plan.metrics)} if plan.metrics else {}),
    }


def plan_from_json(line: Mapping[str, object]) -> Plan:
    """Build the plan from the first line of a ledger.

    Raises:
        KeyError, TypeError, ValueError: it is not a plan.
    """
    share = {"gpu_share": build(GpuShare, line["gpu_share"])} if "gpu_share" in line else {}
    objectives = line.get("objectives") or {line["objective"]: line["mode"]}
    plugin = {"plugin": build(PluginText, line["parts"])} if "parts" in line else {}
    typed = {
        "design": _design_from_json(line),
        "objectives": objectives,
        "base": _base_from_json(completed(mapping(line["base"]))),
    }
    metrics = _metrics_from_json(line.get(_METRICS, {}))
    declare(metrics)
    return build(Plan, {**line, **share, **plugin, **typed, "metrics": metrics})


def _metrics_to_json(metrics: Mapping[str, Metric]) -> Json:
    """JSON has no infinity: a bound that is none is left out."""
    return {
        name: {key: value for key, value in metric._asdict().items() if _is_said(value)}
        for name, metric in metrics.items()
    }


def _is_said(value: object) -> bool:
    return value != () and not (isinstance(value, float) and math.isinf(value))


def _metrics_from_json(content: object) -> dict[str, Metric]:
    found = {}
    for name, each in mapping(content).items():
        declared = build(_Declared, each)
        found[name] = Metric(
            declared.direction, declared.unit, declared.low, declared.high, declared.source
        )
    return found


@dataclass(frozen=True)
class _Declared:
    """A plug-in's metric as a ledger has it."""

    direction: Literal["max", "min"]
    unit: str
    source: str
    low: float = -math.inf
    high: float = math.inf


def _base_from_json(base: Mapping[str, object]) -> Mapping[str, object]:
    """The config that trials share; older versions held out single images, and none by default."""
    if "data/holdout_by" in base or base.get("data/holdout") == 0:
        return base
    return {"data/holdout": 0, **base, "data/holdout_by": "image"}


def _design_from_json(line: Mapping[str, object]) -> Search | Ablation:
    if "grid" in line:
        replayed = {"replayed": build(Replayed, line["replay"])} if "replay" in line else {}
        grid = grid_from_event(cast(GridEvent, mapping(line["grid"])))
        for checked in (grid, *grid.cells, *grid.setups):
            require_types(type(checked), vars(checked))
        seeds: tuple[int, ...] = tuple(line["seeds"])  # type: ignore[arg-type]
        looks = tuple(cast(Sequence[int], line.get("looks", ())))
        design = {**line, "grid": grid, "seeds": seeds, "looks": looks, **replayed}
        return build(Ablation, design)
    warm = {"warm_start": _warm_from_json(line["warm_start"])} if "warm_start" in line else {}
    dimensions = tuple(
        dimension_from_event(cast(DimensionEvent, mapping(event)))
        for event in cast(Sequence[object], line.get("dimensions", ()))
    )
    confirm = tuple(cast(Sequence[int], line.get("confirm", ())))
    return build(Search, {**line, **warm, "dimensions": dimensions, "confirm": confirm})


def _warm_from_json(content: object) -> WarmStart:
    warm = mapping(content)
    studies = mapping(warm["studies"])
    trials: list[object] = list(warm["trials"])  # type: ignore[call-overload]
    return WarmStart(
        studies={name: build(WarmStartSource, source) for name, source in studies.items()},
        trials=[build(WarmStartTrial, trial) for trial in trials],
    )
