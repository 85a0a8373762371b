"""Planned looks: a study stops the arms that are decided, without a larger family-wise error.

The tests are those of ``max_t.py``: the signs of a seed's whole vector of differences are flipped
together. A look has a cumulative level, which is fixed beforehand (alpha spending; Lan and DeMets,
1983): the share of sign patterns that may have been significant at this look or an earlier one. So
a pattern counts against an arm if its largest statistic reaches the critical value of an earlier
look, computed on the seeds of that look, or the arm's statistic at this look. Step-down is over
what is not rejected yet, as without looks.

With a smallest effect that matters, two more hypotheses per arm are in the same family: that its
effect is at least ``smallest``, and that it is at most ``-smallest`` (two one-sided tests;
Schuirmann, 1987), tested on the differences shifted by it. At most one of an arm's three hypotheses
is true, the signs of its shifted differences are then arbitrary, and they flip with those of all
other arms: so the argument of max-T covers the word "same" too. A hypothesis is compared with those
of the other arms only, since the other two of its own arm are false if it is true (Shaffer, 1986).

An arm that is dropped as hopeless stays in the correction of the others: its own earlier
differences stand in for the seeds that it does not run. Otherwise the arms that luck has kept would
be compared with fewer rivals than they had. This is not exact: the simulation of
``tests/benchmarks/family_error.py`` shows what it gives.

Shape letters: F sign patterns, N seeds, C arms, H hypotheses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from study.analysis.conditional_power import is_hopeless
from study.analysis.max_t import MOST_EXACT, sign_patterns
from study.analysis.spending import ROUNDING, Hypothesis, statistics_of, step_down
from study.analysis.statistics import ALPHA, fewest_seeds, smallest_p
from study.ledger.look import ArmLook, ArmState

SPENT = 0.9
"""The share of ALPHA that several looks may spend together. A baseline of skewed runs breaks the
assumption that signs are arbitrary, and several looks find that more often: with all of ALPHA, the
family error of a simulated exponential baseline is 0.059."""


@dataclass(frozen=True, kw_only=True)
class LookRule:
    """When a study looks, and what it calls the same."""

    looks: tuple[int, ...]
    """Numbers of planned seeds, ascending; the last one is all of them."""
    smallest: float | None = None
    """The smallest effect that matters, in the metric's own unit; > 0."""
    mode: str = "max"

    def levels(self) -> tuple[float, ...]:
        """The cumulative level of each look: in proportion to its seeds, and at least what so many
        seeds can reach. It is 0 for fewer seeds than can decide: such a look only drops arms."""
        last = ALPHA if len(self.looks) == 1 else SPENT * ALPHA
        levels, largest = list[float](), 0.0
        for seeds in self.looks:
            if seeds >= fewest_seeds():
                share = last * seeds / self.looks[-1]
                largest = max(largest, smallest_p(seeds), share)
            levels.append(largest)
        return (*levels[:-1], last)


@dataclass
class _Course:
    """The arms in the course of the looks."""

    differences_NC: NDArray[np.float64]
    """NaN where a run failed or did not take place."""
    rule: LookRule
    given_C: Sequence[int] | None
    """The seeds that each arm has run, if another metric has decided that."""
    rejected: set[Hypothesis] = field(default_factory=set)
    found: list[ArmLook] = field(init=False)

    def __post_init__(self) -> None:
        arms = self.differences_NC.shape[1]
        self.found = [ArmLook(state="open", seeds=0, p=1.0)] * arms

    def running(self, place: int) -> list[int]:
        """The arms that ran all seeds of this look and are not decided."""
        arms = [arm for arm, found in enumerate(self.found) if found.state == "open"]
        if self.given_C is None:
            return arms
        return [arm for arm in arms if self.given_C[arm] >= self.rule.looks[place]]

    def look(self, place: int) -> None:
        running = self.running(place)
        for arm in running:
            self.found[arm] = ArmLook(state="open", seeds=self.rule.looks[place], p=1.0)
        p_values = self._p_values(place, running)
        level = self.rule.levels()[place]
        self.rejected |= {found for found, p in p_values.items() if p <= level + ROUNDING}
        for arm in running:
            self.found[arm] = ArmLook(
                state=self._state(arm, place),
                seeds=self.rule.looks[place],
                p=p_values[Hypothesis(arm, "zero")],
                p_same=self._p_same(arm, p_values),
            )

    def _p_same(self, arm: int, p_values: Mapping[Hypothesis, float]) -> float | None:
        if self.rule.smallest is None:
            return None
        # A hypothesis that an earlier look has rejected is not tested again.
        return max(p_values.get(Hypothesis(arm, kind), 0.0) for kind in ("below", "above"))

    def _state(self, arm: int, place: int) -> ArmState:
        seeds, planned = self.rule.looks[place], self.rule.looks[-1]
        values_N = self.differences_NC[:seeds, arm]
        values_N = values_N[~np.isnan(values_N)]
        if {Hypothesis(arm, "below"), Hypothesis(arm, "above")} <= self.rejected:
            return "same"
        if Hypothesis(arm, "zero") in self.rejected:
            return "better" if (values_N.mean() > 0) == (self.rule.mode == "max") else "worse"
        last = place == len(self.rule.looks) - 1
        if not last and is_hopeless(values_N, planned - seeds, self.rule.smallest):
            return "hopeless"
        return "open"

    def _p_values(self, place: int, running: Sequence[int]) -> dict[Hypothesis, float]:
        """Of each hypothesis about a running arm that is not rejected yet."""
        looks, smallest = self.rule.looks[: place + 1], self.rule.smallest
        kinds = ["zero"] if smallest is None else ["zero", "below", "above"]
        arms = range(self.differences_NC.shape[1])
        family = [
            hypothesis
            for arm in arms
            for kind in kinds
            if (hypothesis := Hypothesis(arm, kind)) not in self.rejected
        ]
        if not family:
            return {}
        values_NH = np.stack([self._values(one, looks[-1]) for one in family], axis=1)
        two_sided_H = np.array([one.kind == "zero" for one in family])
        signs_FN = sign_patterns(looks[-1])
        if two_sided_H.all() and looks[-1] <= MOST_EXACT:
            signs_FN = signs_FN[: len(signs_FN) // 2]  # the others are these with all signs turned
        statistics = [statistics_of(signs_FN, values_NH, seeds, two_sided_H) for seeds in looks]
        return step_down(statistics, self.rule.levels(), family, running)

    def _values(self, hypothesis: Hypothesis, seeds: int) -> NDArray[np.float64]:
        """(N,): what speaks against the hypothesis, seed by seed; 0 where a run failed."""
        arm, kind = hypothesis
        ran = max(self.found[arm].seeds, 1)
        values_N = self.differences_NC[np.arange(seeds) % ran, arm]
        smallest = self.rule.smallest or 0.0
        shifted = {"zero": values_N, "below": smallest - values_N, "above": smallest + values_N}
        return np.nan_to_num(shifted[kind])


def take_looks(
    differences: Mapping[str, Mapping[int, float]],
    seeds: Sequence[int],
    rule: LookRule,
    taken: int | None = None,
    ran: Mapping[str, int] | None = None,
) -> list[dict[str, ArmLook]]:
    """Look at the arms after each planned number of seeds.

    Args:
        differences: by arm and seed, arm minus baseline, in the metric's own unit. Seeds after the
            look that decided an arm are ignored.
        seeds: all planned seeds, in the order in which they run.
        taken: how many looks; None: all that are planned.
        ran: the seeds that each arm has run, where another metric decides when it stops.

    Returns:
        For each look, what it says of every arm; shorter once no arm is open.
    """
    arms = list(differences)
    rows = [[differences[arm].get(seed, np.nan) for arm in arms] for seed in seeds]
    differences_NC = np.array(rows, dtype=np.float64)
    course = _Course(differences_NC, rule, None if ran is None else [ran[arm] for arm in arms])
    looks = list[dict[str, ArmLook]]()
    for place in range(len(rule.looks) if taken is None else taken):
        if not course.running(place):
            break
        course.look(place)
        looks.append(dict(zip(arms, course.found, strict=True)))
    return looks
