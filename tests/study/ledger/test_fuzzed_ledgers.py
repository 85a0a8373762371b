"""Any damage to the lines of a ledger ends in a report or in one error line."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.commands import report
from tests.study import fake, fake_grid
from tests.study.ledger import linked

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 10**25)
    | st.floats(allow_nan=True)
    | st.sampled_from(["", "miou", "complete", "../x", "\ud800", "a\nb", "0"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["miou", "a"]), inner)
    ),
    max_leaves=4,
)
DAMAGE = st.tuples(
    st.sampled_from(["change", "change", "change", "lose", "drop", "double", "swap"]),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    JSON,
)


def damaged(found: list[Any], how: tuple[str, int, int, object]) -> None:
    """Damage one line, or the order of two; half of the damage goes to the plan."""
    kind, line, place, value = how
    number = 0 if line % 2 else (line // 2) % len(found)
    if kind == "drop":
        del found[number]
    elif kind == "double":
        found.append(found[number])
    elif kind == "swap":
        other = place % len(found)
        found[number], found[other] = found[other], found[number]
    else:
        inner = found[number] = json.loads(json.dumps(found[number]))
        while True:
            keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            key = keys[place % len(keys)]
            if place % 3 and isinstance(inner[key], dict | list) and inner[key]:
                inner, place = inner[key], place // 3
                continue
            break
        if kind == "change":
            inner[key] = value
        else:
            del inner[key]


@pytest.fixture(scope="module", params=["search", "grid"])
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The lines of a sound study's ledger."""
    storage = tmp_path_factory.mktemp("sound")
    if request.param == "search":
        ledger = fake.ended_study(fake.plan(storage))
    else:
        ledger = fake_grid.ended_study(fake_grid.plan(storage))
    return [json.loads(line) for line in ledger.path.read_text().splitlines()]


def written(storage: Path, sound: list[Any], damage: list[tuple[str, int, int, object]]) -> None:
    found = list(sound)
    for one in damage:
        if found:
            damaged(found, one)
    folder = storage / "fake"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    linked.write(folder / "ledger.jsonl", found)


@settings(
    max_examples=int(os.environ.get("FUZZ", "30")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(damage=st.lists(DAMAGE, min_size=1, max_size=3))
def test_any_lines_are_a_record_that_reports_or_one_error(
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    sound: list[Any],
    damage: list[tuple[str, int, int, object]],
) -> None:
    storage = tmp_path_factory.getbasetemp() / "fuzz"
    storage.mkdir(exist_ok=True)
    written(storage, sound, damage)
    code = report.main(["fake", "--storage", str(storage)])
    assert code in (0, 2)
    lines_of_error = capsys.readouterr().err.splitlines()
    assert len([line for line in lines_of_error if line.startswith("study/report.py")]) == code // 2
