"""The report of several datasets together: which cell to try first, and why."""

from study.analysis.answer import signed
from study.analysis.signed_rank import PRIOR
from study.analysis.statistics import ALPHA
from study.analysis.together import Arm, Effect, Together
from study.analysis.units import difference_unit
from study.reporting.document import Block, Parts, Points, Prose, Section, Sheet
from study.reporting.values import sizes
from trainables.config.words import counted
from trainables.metrics.catalog import METRICS

_FEW = 5
"""With fewer datasets, how much they differ is hardly known."""
_CLOSE = 0.05
"""A probability that is less than the first by no more is no reason to prefer the first."""


def question(found: Together) -> str:
    """What the studies answer together."""
    where = ", ".join(f"{study.name} ({study.record.data.dataset})" for study in found.studies)
    gain = f"gain over {found.baseline} in {found.metric}"
    return f"What {gain} can be expected on a new dataset, after {where}?"


def answer(found: Together) -> str:
    """One sentence: which cell to try first."""
    first, over = found.arms[0], counted(len(found.studies), "dataset")
    if first.pooled.p_better <= 0.5:
        return f"No cell is more probably better than {found.baseline} on a new dataset: {over}."
    return (
        f"Try {first.cell} first: {_gain(first.pooled.mean, found)} {found.metric} "
        f"({_gain(first.pooled.low, found)} to {_gain(first.pooled.high, found)}) over {over}; "
        f"on a new dataset it is better than {found.baseline} with probability "
        f"{probability(first.pooled.p_better)}.{_close(found)}"
    )


def _close(found: Together) -> str:
    """The cells that are hardly less probable than the first."""
    first, *others = found.arms
    close = [
        f"{arm.cell} ({probability(arm.pooled.p_better)})"
        for arm in others
        if first.pooled.p_better - arm.pooled.p_better <= _CLOSE
    ]
    return f" Close behind: {', '.join(close)}." if close else ""


def parts(found: Together) -> Parts:
    """Everything below the answer but the figure."""
    return [
        Section("Verdicts", [_verdicts(found), Prose(_of_verdicts(found))]),
        Section("Over all datasets", [_pooled(found), Prose(_explained(found))]),
        Section("On each dataset", [_each(found), Prose(_of_each(found))]),
        Section("The studies", [_studies(found), *_differences(found)]),
    ]


def _verdicts(found: Together) -> Sheet:
    rows = [
        [arm.cell, *(_of_effect(effect, found) for effect in arm.effects)] for arm in found.arms
    ]
    return Sheet(["cell", *(study.name for study in found.studies)], rows)


def _of_effect(effect: Effect, found: Together) -> str:
    text = f"{effect.verdict} {_gain(effect.gain, found)}"
    return f"{text} ({of_outliers(effect.outliers, effect.seeds)})" if effect.outliers else text


def of_outliers(count: int, seeds: int) -> str:
    """Beside a gain, how many of its seeds have an outlier."""
    return f"{count} of {counted(seeds, 'seed')} an outlier"


def _of_verdicts(found: Together) -> str:
    text = (
        f"Each study's own verdict on `{found.metric}`, corrected over all its cells, and the gain "
        f"over `{found.baseline}`."
    )
    if any(effect.outliers for arm in found.arms for effect in arm.effects):
        text += " An outlier is a run far worse than the others of its cell; it counts in the gain."
    for study, count in found.baseline_outliers.items():
        text += f" {counted(count, 'run')} of `{found.baseline}` in {study}"
        text += " is an outlier, which raises the gains there."
    return text


def _pooled(found: Together) -> Sheet:
    head = [
        "cell",
        "gain",
        "interval",
        "between datasets",
        "a new dataset",
        "P(better there)",
        "in practice better",
        "same",
        "worse",
    ]
    return Sheet(head, [_of_arm(arm, found) for arm in found.arms])


def _of_arm(arm: Arm, found: Together) -> list[str]:
    pooled = arm.pooled
    return [
        arm.cell,
        _gain(pooled.mean, found),
        f"{_gain(pooled.low, found)} .. {_gain(pooled.high, found)}",
        _gain(pooled.tau, found).lstrip("+"),
        f"{_gain(pooled.new_low, found)} .. {_gain(pooled.new_high, found)}",
        probability(pooled.p_better),
        *(probability(share) for share in arm.practical),
    ]


def probability(share: float) -> str:
    """No model knows a probability better than to a hundredth: 0 and 1 are never printed."""
    return f"{min(max(share, 0.01), 0.99):.2f}"


def _gain(value: float, found: Together) -> str:
    return signed(value, found.metric)


def _explained(found: Together) -> str:
    few = (
        f" With {len(found.studies)} datasets, how much they differ is hardly known, and the "
        f"intervals are wide for that reason."
        if len(found.studies) < _FEW
        else ""
    )
    if found.smallest:
        within = f"gains within {_gain(found.smallest, found).lstrip('+')} are the same"
    else:
        within = "no gain is too small to count"
    return (
        f"Gain over `{found.baseline}` in {difference_unit(found.unit)} of `{found.metric}`, "
        f"positive where the cell is better. Random effects: each dataset has a true gain of its "
        f"own, normal around the mean; between datasets: their standard deviation "
        f"(median-unbiased: Paule and Mandel), at least the one that all cells have in common; "
        f"each dataset counts the same; "
        f"interval: {1 - ALPHA:.0%}, Hartung and Knapp, modified; a new dataset: where its true "
        f"gain lies with {1 - ALPHA:.0%} (Student's t), and the probability that it is positive. "
        f"In practice: Bayesian signed-rank test (prior weight {PRIOR}), {within}. None of these "
        f"is corrected for the number of cells.{few}"
    )


def _each(found: Together) -> Sheet:
    rows = [
        [
            arm.cell,
            f"{effect.dataset} ({effect.study})",
            str(effect.seeds),
            _gain(effect.gain, found),
            " .. ".join(_gain(end, found) for end in effect.interval()),
        ]
        for arm in found.arms
        for effect in arm.effects
    ]
    return Sheet(["cell", "dataset", "n", "gain", "interval"], rows)


def _of_each(found: Together) -> str:
    return (
        f"n: seeds; interval: {1 - ALPHA:.0%} over them (Student's t). The choice of the test "
        f"images counts as a difference between datasets."
    )


def _studies(found: Together) -> Sheet:
    rows = []
    for study in found.studies:
        data, split = study.record.data, found.split
        rows.append(
            [
                study.name,
                data.dataset,
                str(data.images.get(split, 0)),
                sizes(data.size or None),
                data.digest,
            ]
        )
    split = "test" if found.split == "test" else "validation"
    return Sheet(["study", "dataset", f"{split} images", "size", "digest"], rows)


def _differences(found: Together) -> list[Block]:
    if not found.differs:
        return [Prose("Besides data and losses, the studies have the same config.")]
    return [Prose("Besides data and losses, they differ in:"), Points(list(found.differs))]


def axis(found: Together) -> str:
    """The label of gains in a plot."""
    unit = "percentage points" if METRICS[found.metric].unit == "fraction" else found.unit
    return f"gain in {found.metric} [{unit}]"
