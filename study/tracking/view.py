"""The saved view of a study in MLflow: its runs with the columns that matter.

MLflow's page of runs lists such views by name, and opens one by its key in the address. A view is
a tag of the experiment. Nothing here needs MLflow itself.
"""

import json
from urllib.parse import quote

from study.analysis.grid_tasks import singles_of, tasks_of
from study.analysis.recorded_space import space_of
from study.ledger.design import Ablation
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.tracking.entities import milliseconds
from trainables.config.tasks import TASKS, tasks_in
from trainables.metrics.catalog import DELTA_M, OF_TASK

_TAG = "mlflow.sharedViewState."
_NAME, _NAME_WIDTH_PX = "attributes.`Run Name`", 300
_WEIGHTS = 8
"""Most parameters that get a column; the page has a list with all of them."""


def study_page(experiment: str, study: str) -> str:
    """The address of a study's runs in MLflow, after the host.

    Args:
        experiment: MLflow's id of the experiment.
    """
    # Without the type, MLflow opens its pages for language models.
    options = f"viewStateShareKey={quote(study)}&workflowType=machine_learning"
    return f"/#/experiments/{quote(experiment)}/runs?{options}"


def saved_view(record: StudyRecord) -> tuple[str, str]:
    """The name and the value of the experiment's tag that holds the study's view."""
    plan, time_ms = record.plan, milliseconds(record.first_time)
    columns = _columns(record)
    state = {
        "searchFilter": f"tags.study = '{plan.study}'",
        "selectedColumns": columns,
        "columnOrder": [_NAME, *columns],
        "columnWidths": {_NAME: _NAME_WIDTH_PX},
        **_order(plan),
    }
    view = {"name": plan.study, "createdAt": time_ms, "updatedAt": time_ms}
    return f"{_TAG}{plan.study}", json.dumps({**view, "state": json.dumps(state)})


def _order(plan: Plan) -> dict[str, str | bool]:
    """The largest gain comes first, or the best trial where nothing is compared.

    MLflow nests runs, folded, only if they are sorted by date: sorted by a metric, all are seen.
    """
    metric = f"delta_{plan.objective}" if _compares(plan) else plan.objective
    return {"orderByKey": _column("metrics", metric), "orderByAsc": plan.mode == "min"}


def _compares(plan: Plan) -> bool:
    """Whether the study compares cells, a search's winner or a grid's."""
    return isinstance(plan.design, Ablation) or bool(plan.design.confirm)


def _columns(record: StudyRecord) -> list[str]:
    plan, compared = record.plan, _compares(record.plan)
    metrics = list(plan.objectives)
    if "test" in record.data.images:
        metrics += [f"test_{name}" for name in plan.objectives]
    if compared:
        metrics += [f"delta_{plan.objective}", "p_corrected"]
    metrics += _of_tasks(record)
    return [
        *([_column("tags", "verdict")] if compared else []),
        *(_column("metrics", name) for name in metrics),
        *(_column("params", path) for path in _decided(record)[:_WEIGHTS]),
    ]


def _of_tasks(record: StudyRecord) -> list[str]:
    """Of a study of several tasks, the metric of each, and what a network of several tasks gains.

    The objective's own columns come before these.
    """
    plan = record.plan
    cells = plan.grid.cells if isinstance(plan.design, Ablation) else ()
    found = {task for cell in cells for task in tasks_of(cell, plan.base)}
    found |= {*tasks_in(plan.base)}
    named = [OF_TASK[task] for task in TASKS if task in found]
    if len(named) < 2:
        return []
    tested = "test_" if "test" in record.data.images else ""
    gains = (
        [f"{tested}{DELTA_M}"]
        if any(singles_of(cell, plan.grid, plan.base) for cell in cells)
        else []
    )
    return [*(f"{tested}{name}" for name in named if name not in plan.objectives), *gains]


def _decided(record: StudyRecord) -> list[str]:
    """The parameters that the study decides, those of losses first."""
    plan = record.plan
    if isinstance(plan.design, Ablation):
        searched = [dimension.path for cell in plan.grid.cells for dimension in cell.searched]
        paths = [*plan.grid.decided(), *searched]
    else:
        paths = [dimension.path for dimension in space_of(record).dimensions]
    return sorted(dict.fromkeys(paths), key=lambda path: not path.startswith("loss/"))


def _column(kind: str, name: str) -> str:
    return f"{kind}.`{name}`"
