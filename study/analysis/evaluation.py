"""How a study's networks are evaluated, in words: scales, windows, and the size of the labels.

Read from the config that all its trials share; a ledger older than a field has its default.
"""

from collections.abc import Mapping

from trainables.config import EvalConfig, ModelConfig, Value, from_flat
from trainables.config.data import BUILT_IN, DRAWN
from trainables.config.evaluation import Split
from trainables.config.model import WITH_ATTENTION


def config_of(base: Mapping[str, Value]) -> EvalConfig:
    """The section ``eval`` alone: a plug-in's other fields need not be known."""
    return from_flat({path: base[path] for path in base if path.startswith("eval/")}).eval


def of_list(base: Mapping[str, Value], split: Split) -> str:
    """How one list is predicted, and on which labels it is measured."""
    return f"{config_of(base).of(split)}{_own_scales(base)}{_resized(base)}"


def described(base: Mapping[str, Value]) -> str:
    """How the test list and the validation list are evaluated."""
    test, val = (config_of(base).of(split) for split in ("test", "val"))
    both = f"test and validation: {test}" if test == val else f"test: {test}; validation: {val}"
    return f"{both}{_own_scales(base)}{_resized(base)}"


def _own_scales(base: Mapping[str, Value]) -> str:
    """A single scale is not the whole truth of a network that weighs several by attention."""
    if base.get("model/network") not in WITH_ATTENTION:
        return ""
    scales = base.get("model/test_attention_scales", ModelConfig().test_attention_scales)
    return f", each by HMS at the scales {str(scales).replace(',', ', ')}"


def _resized(base: Mapping[str, Value]) -> str:
    """Said wherever figures are: on resized labels they are not those of other work.

    The built-in data are drawn at their size.
    """
    rows, columns = base.get("data/height"), base.get("data/width")
    if not rows or base.get("data/dataset", BUILT_IN) in DRAWN:
        return ""
    return f", on labels resized to {rows}x{columns}"
