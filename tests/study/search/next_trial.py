"""What a searcher hands out next, typed."""

from ray.tune.search import Searcher

from study.search.planned_search import PlannedSearch
from trainables.lane.trial_spec import TrialSpec


def next_trial(search: PlannedSearch, name: str) -> TrialSpec | None:
    """The next trial, which Tune knows by this name; None once the search has no more."""
    config = search.suggest(name)
    if config == Searcher.FINISHED:
        return None
    assert config is not None, "the search asks Tune to wait"
    return TrialSpec.from_tune(config)


def first_trial(search: PlannedSearch, name: str) -> TrialSpec:
    """As ``next_trial`` where there is one."""
    spec = next_trial(search, name)
    assert spec is not None, "the search has no more trials"
    return spec
