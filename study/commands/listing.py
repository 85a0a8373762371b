"""`--list`: everything that the command line can name."""

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape

from search_spaces import GRIDS, SPACES, Grid
from study.planning.objectives import GROUPS
from study.reporting.terminal.published import figures
from study.reporting.values import assignments
from trainables.config import ModelConfig, OptimConfig, TrialConfig, flatten, get_choices
from trainables.config.model import ON_ENCODER
from trainables.config.plugin_fields import PLUGIN
from trainables.config.recipes import RECIPES
from trainables.config.words import counted
from trainables.data import LAYOUTS
from trainables.losses.sources import FAMILIES
from trainables.networks import sources as networks

_CHOICES = (
    ("model", ModelConfig, "network"),
    ("optim", OptimConfig, "optimizer"),
    ("optim", OptimConfig, "schedule"),
)
"""Fields to whose choices a plug-in may add."""


def print_grid(console: Console, grid: Grid) -> None:
    """Print a table of a paper: its rows with what they need, and its figures by setup."""
    console.print(f"[bold]{escape(grid.question)}[/]  {escape(grid.source)}", highlight=False)
    for cell in grid.cells:
        role = " (baseline)" if grid.is_baseline(cell.name) else ""
        lacks = f"; needs {cell.needs}" if cell.needs else ""
        text = f"    {cell.name}{role}: {assignments(cell.changes) or 'no changes'}{lacks}"
        console.print(text, highlight=False, markup=False)
    for setup in grid.setups:
        lacks = f"; needs {setup.needs}" if setup.needs else ""
        console.print(f"\n[bold]{escape(setup.name)}[/]  {escape(setup.words() + lacks)}")
        if setup.recipe:
            console.print(f"    --as-published '{setup.name}'", highlight=False, markup=False)
        console.print(figures(grid, setup.name))


def print_list(console: Console) -> None:
    """Print every name that an option accepts, and every config field with its default."""
    for space in SPACES.values():
        console.print(f"[bold]--space {space.name}[/]  {escape(space.question)}")
        for dimension in space.dimensions:
            console.print(
                f"    {dimension.path}: {dimension.bounds()}", highlight=False, markup=False
            )
        if space.cost:
            console.print(f"    cost: {space.cost}", highlight=False, markup=False)
        for grid in GRIDS.get(space.name, {}).values():
            cells = f"{counted(len(grid.cells), 'cell')}, baseline {grid.baseline}"
            console.print(
                f"    --grid {grid.name}: {grid.question} ({cells}; {grid.source})", highlight=False
            )
    console.print(f"[bold]--dataset[/]  {', '.join(sorted(LAYOUTS))}")
    for group, names in GROUPS.items():
        console.print(f"[bold]--objective[/]  {group}: {names}", highlight=False)
    if PLUGIN.metrics:
        console.print(f"[bold]--objective[/]  your own: {', '.join(PLUGIN.metrics)}")
    for section, kind, name in _CHOICES:
        choices = ", ".join(map(str, get_choices(kind, name)))
        console.print(f"[bold]--set {section}/{name}=[/]  {choices}")
    _print_networks(console)
    for name, recipe in RECIPES.items():
        differs = f" (differs: {recipe.differs})" if recipe.differs else ""
        console.print(f"[bold]--recipe {name}[/]  {recipe.source}{differs}", highlight=False)
    _print_losses(console)
    console.print("[bold]--set[/]  any of these, with its default:")
    for path, value in flatten(TrialConfig()).items():
        console.print(f"    {path}={value}", highlight=False, markup=False)


def _print_losses(console: Console) -> None:
    _print_families(console, "losses", FAMILIES)
    if PLUGIN.weights:
        console.print(f"[bold]losses[/]  your own: {', '.join(PLUGIN.weights)}")


def _print_networks(console: Console) -> None:
    _print_families(console, "networks", networks.FAMILIES)
    console.print(f"[bold]--set model/encoder=NAME[/]  for {', '.join(ON_ENCODER)}")
    console.print(
        "    NAME: any of timm with features at strides 4 to 32, or mit_b0 to mit_b5; with dpt a "
        "plain vision transformer, such as vit_small_patch14_dinov2; with segformer_hf mit_b0 to "
        "mit_b5; with astmt_* a ResNet of bottlenecks, such as resnet26",
        highlight=False,
    )


def _print_families(console: Console, what: str, families: Mapping[str, Mapping[str, str]]) -> None:
    """By family, names with their papers."""
    for family, members in families.items():
        console.print(f"[bold]{what}[/]  {family}")
        for name, source in members.items():
            console.print(f"    {name}: {source}", highlight=False, markup=False)
