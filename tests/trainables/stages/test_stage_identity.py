"""What names a stage, and the trials that use it."""

from pathlib import Path

import pytest

from tests.trainables.stages.conftest import CONFIG, QUICK
from trainables.config import TrialConfig, Value, flatten, get_choices, identity
from trainables.data import Dataset
from trainables.stages import registry

DECIDING = [
    path
    for path in flatten(TrialConfig())
    if path.startswith(("loss/", "inverse_net/", "edge_net/")) and path != "loss/resize"
]
OF_INVERSE_NET = {
    "loss/tile",
    "loss/tile_share",
    "loss/distance",
    "loss/geodesic",
    "loss/boundary",
    "loss/variant",
}
OTHERS: dict[str, Value] = {
    "model/attention_scales": "0.25,1",
    "model/test_attention_scales": "1",
    "inverse_net/units": "9,9",
    "loss/schedule": "gamma from 0.5",
    "loss/scnp_size": 5,
}
"""Another value, where half of the default, or one more, is not allowed."""


def test_a_stage_is_named_by_the_content_that_decides_it(data: Dataset) -> None:
    key = registry.stage_key("inverse_net", QUICK, data.digest)
    assert key == registry.stage_key(
        "inverse_net",
        QUICK.changed({"loss/gamma": 0.1, "loss/lambda_geo": 0.5, "seed": 3}),
        data.digest,
    )
    for change in (
        {"loss/tile": 24},
        {"inverse_net/steps": 3},
        {"inverse_net/seed": 1},
        {"loss/distance": "geodesic"},
        {"inverse_net/network": "aet_dense"},
        {"loss/boundary": "radius"},
    ):
        assert key != registry.stage_key("inverse_net", QUICK.changed(change), data.digest)
    assert key != registry.stage_key("inverse_net", QUICK, "another digest")


@pytest.mark.parametrize("path", DECIDING)
def test_every_field_of_a_stage_is_in_its_name_and_in_the_trials(path: str, data: Dataset) -> None:
    """A field that is in neither would let a study use a network of another config."""
    config = QUICK.changed(
        {
            "data/height": 96,
            "data/width": 128,
            "loss/distance": "geodesic",
            "loss/boundary": "radius",
            "inverse_net/network": "plain",
            "inverse_net/unlike": False,
            "loss/focal_loss_form": "sigmoid",  # which alone has an alpha
        }
    )
    other = config.changed({path: another(path, flatten(config)[path])})
    assert identity(config, "d") != identity(other, "d")
    for kind in registry.KINDS:
        keys = {registry.stage_key(kind, each, data.digest) for each in (config, other)}
        own = path.startswith(f"{kind}/") or (kind == "inverse_net" and path in OF_INVERSE_NET)
        assert len(keys) == (2 if own else 1)


def another(path: str, value: Value) -> Value:
    """Another value that the field allows."""
    if path in OTHERS:
        return OTHERS[path]
    section, _, name = path.rpartition("/")
    owner = type(getattr(TrialConfig(), section)) if section else TrialConfig
    choices = get_choices(owner, name)
    if choices:
        return next(choice for choice in choices if choice != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    assert isinstance(value, float), f"{path}: OTHERS must have a value"
    return value / 2 or 0.25


def test_an_edge_stage_is_shared_by_all_lambdas(data: Dataset) -> None:
    first = QUICK.changed({"loss/lambda_2": 1.0})
    second = first.changed({"loss/lambda_1": 0.5, "loss/edge": "after_relu", "loss/tile": 24})
    keys = {registry.stage_key("edge_net", config, data.digest) for config in (first, second)}
    assert len(keys) == 1


def test_no_stage_without_the_term_that_needs_it(tmp_path: Path, data: Dataset) -> None:
    plain = CONFIG.changed({"loss/gamma": 0.0})
    assert registry.needed(plain) == []
    assert registry.load_learned(plain, data.digest, tmp_path).inverse_net is None
