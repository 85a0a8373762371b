"""Terminal output of a study: the plan before it runs, the result after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.text import Text

from cluster.safe_text import without_passwords
from search_spaces import Space
from study.analysis import evaluation, health, refinements
from study.analysis.answer import answer
from study.analysis.finding import Finding
from study.analysis.results import AblationResults, SearchResults
from study.analysis.same_images import cautions
from study.ledger.design import Ablation, Search
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.planning.budget import clock, foretold
from study.reporting.terminal import grid, search
from study.reporting.values import sizes
from trainables.config import TrialConfig
from trainables.config.model import ON_ENCODER
from trainables.config.pixels import RGB
from trainables.config.plugin_fields import PLUGIN
from trainables.config.tasks import TaskConfig
from trainables.config.words import counted
from trainables.data import Dataset
from trainables.networks.segmentation import transfer_report


class _View(Protocol):
    """The terminal's view of one kind of study: a module of this package."""

    def planned(self, plan: Plan, space: Space, images: Mapping[str, int]) -> RenderableType: ...

    def facts(self, plan: Plan, left: int, lists: Mapping[str, str]) -> dict[str, str]: ...

    def print_result(
        self,
        console: Console,
        results: SearchResults | AblationResults,
        importance: Mapping[str, float],
    ) -> None: ...


_VIEWS: dict[type[Search | Ablation], _View] = {Search: search, Ablation: grid}


@dataclass(frozen=True)
class Outlook:
    """The forecast for the trials that are left."""

    left: int
    """Trials to run."""
    stages: int
    """The most stages to train."""
    epoch_s: float
    total_s: float
    more: Mapping[str, str] = field(default_factory=dict)
    """Further lines of the plan, by their label."""
    doubts: Sequence[Finding] = ()
    """About the plan."""


def print_plan(
    console: Console, plan: Plan, space: Space, dataset: Dataset, expected: Outlook
) -> None:
    """Print the question, what will run and how long it will take."""
    console.print(f"\n[bold]{escape(plan.question)}[/]\n")
    view = _VIEWS[type(plan.design)]
    images = {split: len(those) for split, those in dataset.splits.items()}
    console.print(view.planned(plan, space, images))
    facts = view.facts(plan, expected.left, dataset.lists)
    lines = {**_data_lines(plan, dataset), **facts, **_run_lines(plan, expected), **expected.more}
    for name, text in lines.items():
        console.print(f"[bold]{name:>12}[/]  {escape(text)}", highlight=False, soft_wrap=True)
    _print_sanity(console, dataset)
    _print_cautions(console, plan, dataset.shared, _image_counts(dataset))
    _print_findings(console, expected.doubts)
    console.print()


def _print_sanity(console: Console, dataset: Dataset) -> None:
    """What the data is like, and what is doubtful about it. Class names are no markup."""
    for split, line in dataset.sanity.splits.items():
        text = Text.assemble((f"{split:>12}", "bold"), f"  {line}")
        console.print(text, highlight=False, soft_wrap=True)
    for line in dataset.sanity.lines:
        console.print(f"  {line}", highlight=False, soft_wrap=True, markup=False)


def _print_cautions(
    console: Console, plan: Plan, shared: Mapping[str, int], images: Mapping[str, int]
) -> None:
    for line in cautions(plan, shared, images):
        console.print(f"[yellow]caution[/] {escape(line)}", highlight=False, soft_wrap=True)


def _print_findings(console: Console, found: Sequence[Finding]) -> None:
    for finding in found:
        console.print(f"[yellow]health[/] {escape(str(finding))}", highlight=False, soft_wrap=True)


def _image_counts(dataset: Dataset) -> dict[str, int]:
    """The number of images by split."""
    return {split: len(images) for split, images in dataset.splits.items()}


def _data_lines(plan: Plan, dataset: Dataset) -> dict[str, str]:
    own = _image_counts(dataset)
    if dataset.tests_on_validation:
        own["val and test"] = own.pop("val")
        del own["test"]
    counts = dataset.divided or ", ".join(f"{count} {split}" for split, count in own.items())
    plugin = plan.plugin
    return {
        "study": f"{plan.study} in {StudyFolder.of(plan).path}",
        "data": f"{dataset.name}: {counts}; {sizes(dataset.size)}, {dataset.num_classes} classes, "
        f"digest {dataset.digest}",
        "evaluated": evaluation.described(plan.base),
        **_refined(plan),
        "network": _network(plan.config, dataset),
        **_tasks(plan.config.task),
        **({"plug-in": f"{plugin.name}, digest {plugin.digest}"} if plugin else {}),
    }


def _refined(plan: Plan) -> dict[str, str]:
    """What corrects tests; nothing where none is corrected."""
    methods = ", ".join(refinements.methods(plan))
    words = f"{methods}, on the test list; validation is of the networks alone"
    return {"refined": words} if methods else {}


def _tasks(task: TaskConfig) -> dict[str, str]:
    """The line of what the networks predict, and with which weights; none for segmentation."""
    return {} if task.only_segments else {"tasks": task.in_words}


def _network(config: TrialConfig, dataset: Dataset) -> str:
    model = config.model
    name: str = model.network
    if name in ON_ENCODER and name not in PLUGIN.networks:
        name += f" on {model.encoder}"
    plain = name == "tiny" and not model.init and dataset.pixels.bands == RGB.bands
    tasks = config.task.of_network(dataset.num_classes, len(dataset.parts))
    given = dataset.num_classes, dataset.pixels, tasks
    report = "" if plain else transfer_report(model, *given)
    return f"{name}: {report}" if report else name


def _run_lines(plan: Plan, expected: Outlook) -> dict[str, str]:
    pruned = "" if plan.design.scheduler == "none" else " if no trial is pruned"
    return {
        "runs on": f"{_places(plan)}; {_stages(expected.stages)}",
        "recorded in": without_passwords(plan.tracking_uri),
        "forecast": f"{foretold(expected.total_s)}{pruned} "
        f"({expected.epoch_s:.1f} s per epoch, measured on this machine)",
    }


def _places(plan: Plan) -> str:
    lanes, workers = counted(plan.lanes, "lane"), counted(plan.workers, "worker")
    places = f" ({plan.places})" if plan.places else ""
    share = f", {plan.gpu_share}" if plan.gpu_share else ""
    return f"{lanes} of {workers}{places}{share}"


def print_places(console: Console, plan: Plan) -> None:
    """Print where the lanes run, once their share of a GPU is measured."""
    label = f"[bold]{'runs on':>12}[/]"
    console.print(f"{label}  {escape(_places(plan))}", highlight=False, soft_wrap=True)


def _stages(count: int) -> str:
    if count == 0:
        return "no stages"
    stages = f"stage{'s' if count > 1 else ''}"
    return f"up to {count} {stages}, each trained by the first trial or test that needs it"


def print_result(
    console: Console,
    plan: Plan,
    results: SearchResults | AblationResults,
    importance: Mapping[str, float],
    places: Mapping[str, str],
    command_s: float | None = None,
) -> None:
    """Print the answer, the results, and what to do with them.

    Args:
        importance: by searched parameter, its share of the objective's variance.
        places: the last lines by title: where the report and the network are, what to type next.
        command_s: seconds since the command was typed; None outside a command.
    """
    record = results.record
    console.print(f"\n[bold]{escape(answer(results))}[/]\n", highlight=False, soft_wrap=True)
    _VIEWS[type(plan.design)].print_result(console, results, importance)
    for reason in results.untested:
        console.print(f"[yellow]untested[/] {escape(reason)}", highlight=False, soft_wrap=True)
    _print_cautions(console, plan, record.data.shared, record.data.images)
    _print_findings(console, health.findings(results, importance))
    took = f"study took {clock(record.last_time - record.first_time)}"
    if command_s is not None:
        took += f", this command {clock(command_s)}"
    console.print(f"\n{took}", highlight=False)
    for name, text in places.items():
        console.print(f"[bold]{name:>8}[/]  {escape(text)}", highlight=False, soft_wrap=True)
