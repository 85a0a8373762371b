"""Every space fits the config, has a question, and a reason for each bound."""

import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search_spaces import SPACES, Dimension, Space
from search_spaces.space import Value
from trainables.config import TrialConfig, field_types, flatten


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_paths_of_a_space_are_paths_of_the_config(space: Space) -> None:
    searched = {dimension.path for dimension in space.dimensions}
    assert (searched | set(space.base)) <= set(field_types())
    assert space.question.endswith("?")
    assert all(dimension.why for dimension in space.dimensions)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_whatever_a_space_draws_is_a_valid_config(space: Space) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(50):
        chosen = space.suggest(study.ask())
        flat = flatten(TrialConfig().changed({**space.base, **chosen}))
        assert {path: flat[path] for path in chosen} == chosen


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_a_spread_covers_each_dimension_from_end_to_end(space: Space) -> None:
    spread = space.spread(33)
    for chosen in spread:
        TrialConfig().changed({**space.base, **chosen})
    for dimension in (dimension for dimension in space.dimensions if dimension.when is None):
        values = [chosen[dimension.path] for chosen in spread]
        match dimension.distribution:
            case CategoricalDistribution(choices=choices):
                assert set(values) == set(choices)
            case FloatDistribution(low=low, high=high) | IntDistribution(low=low, high=high):
                assert (min(values), max(values)) == (low, high)


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        (FloatDistribution(1.0, 100.0, log=True), [1.0, 10.0, 100.0]),
        (FloatDistribution(0.0, 1.0, step=0.25), [0.0, 0.5, 1.0]),
        (IntDistribution(3, 11, step=4), [3, 7, 11]),
        (CategoricalDistribution(("a", "b")), ["a", "b", "b"]),
    ],
)
def test_values_at_a_share_of_a_dimension(
    distribution: BaseDistribution, expected: list[Value]
) -> None:
    dimension = Dimension(path="x", distribution=distribution, why="-")
    found = [dimension.at(share) for share in (0.0, 0.5, 1.0)]
    assert found == pytest.approx(expected) if expected[0] != "a" else found == expected


def test_inverseform_draws_lambda_geo_only_beside_the_geodesic_distance() -> None:
    space = SPACES["inverseform"]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [space.suggest(study.ask()) for _ in range(30)]
    assert {chosen["loss/distance"] for chosen in drawn} == {"euclidean", "geodesic"}
    for chosen in drawn:
        assert ("loss/lambda_geo" in chosen) == (chosen["loss/distance"] == "geodesic")


def test_a_conditional_dimension_is_drawn_only_where_it_applies() -> None:
    kind = Dimension(path="kind", distribution=CategoricalDistribution(("a", "b")), why="-")
    only_b = Dimension(
        path="b/rate", distribution=FloatDistribution(0, 1), why="-", when=("kind", "b")
    )
    space = Space(name="s", question="?", dimensions=(kind, only_b))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [space.suggest(study.ask()) for _ in range(20)]
    assert {("b/rate" in chosen) == (chosen["kind"] == "b") for chosen in drawn} == {True}
    assert set(space.distributions({"kind": "a"})) == {"kind"}
    assert set(space.distributions({"kind": "b", "b/rate": 0.5})) == {"kind", "b/rate"}
    assert space.choices("kind") == ("a", "b")
    with pytest.raises(TypeError, match="must be searched over choices"):
        space.choices("b/rate")
