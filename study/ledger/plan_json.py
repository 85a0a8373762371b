"""A plan as its ledger keeps it, and back."""

from collections.abc import Mapping
from typing import cast

from search_spaces.grid import GridEvent, grid_from_event
from study.ledger.json_records import Json, build, mapping, plain
from study.ledger.plan import (
    Ablation,
    Plan,
    PluginText,
    Replayed,
    Search,
    WarmStart,
    WarmStartSource,
    WarmStartTrial,
)


def plan_to_json(plan: Plan) -> Json:
    """The plan as its ledger keeps it."""
    several = {"objectives": dict(plan.objectives)} if len(plan.objectives) > 1 else {}
    return {
        "study": plan.study,
        "space": plan.space,
        "question": plan.question,
        "base": dict(plan.base),
        "objective": plan.objective,
        "mode": plan.mode,
        **several,
        **plan.design.to_json(),
        "seed": plan.seed,
        "lanes": plan.lanes,
        "workers": plan.workers,
        "cpus_per_worker": plan.cpus_per_worker,
        "gpus_per_worker": plan.gpus_per_worker,
        **({"budget": dict(plan.budget)} if plan.budget else {}),
        **({"fresh": True} if plan.fresh else {}),
        **({"parts": plain(plan.plugin)} if plan.plugin else {}),
    }


def plan_from_json(kept: Mapping[str, object]) -> Plan:
    """The plan that a ledger holds.

    Raises:
        KeyError, TypeError, ValueError: it is not a plan.
    """
    objectives = kept.get("objectives") or {str(kept["objective"]): kept["mode"]}
    plugin = {"plugin": build(PluginText, kept["parts"])} if "parts" in kept else {}
    changed = {"design": _design_from_json(kept), "objectives": objectives}
    return build(Plan, {**kept, **plugin, **changed})


def _design_from_json(kept: Mapping[str, object]) -> Search | Ablation:
    if "grid" in kept:
        replayed = {"replayed": build(Replayed, kept["replay"])} if "replay" in kept else {}
        grid = grid_from_event(cast(GridEvent, mapping(kept["grid"])))
        seeds: tuple[int, ...] = tuple(kept["seeds"])  # type: ignore[arg-type]
        return build(Ablation, {**kept, "grid": grid, "seeds": seeds, **replayed})
    warm = {"warm_start": _warm_from_json(kept["warm_start"])} if "warm_start" in kept else {}
    return build(Search, {**kept, **warm})


def _warm_from_json(kept: object) -> WarmStart:
    warm = mapping(kept)
    studies = mapping(warm["studies"])
    trials: list[object] = list(warm["trials"])  # type: ignore[call-overload]
    return WarmStart(
        studies={name: build(WarmStartSource, source) for name, source in studies.items()},
        trials=[build(WarmStartTrial, trial) for trial in trials],
    )
