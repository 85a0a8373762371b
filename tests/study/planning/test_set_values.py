"""`--set` beside the options that decide the same fields."""

import re

import pytest

from study.planning.base_config import base_config
from study.planning.request import StudyRequest


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (
            StudyRequest(epochs=2, changes=["epochs=3"]),
            "epochs must be 2 or left out with --epochs",
        ),
        (StudyRequest(seed=1, changes=["seed=3"]), "seed must be 1 or left out with --seed"),
        (
            StudyRequest(dataset="shapes", changes=["data/dataset=camvid"]),
            "data/dataset must be 'shapes' or left out with --dataset",
        ),
        (
            StudyRequest(weights="imagenet", changes=["model/weights=none"]),
            "model/weights must be 'imagenet' or left out with --weights",
        ),
    ],
)
def test_a_field_that_is_given_twice_has_one_value(request_: StudyRequest, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        base_config(request_, {})


@pytest.mark.parametrize(
    "request_",
    [
        StudyRequest(epochs=3, changes=["epochs=3"]),
        StudyRequest(changes=["epochs=2", "epochs=3"]),
        StudyRequest(changes=["epochs=3", "seed=2"]),
    ],
)
def test_what_agrees_or_is_typed_later_counts(request_: StudyRequest) -> None:
    assert base_config(request_, {}).epochs == 3
