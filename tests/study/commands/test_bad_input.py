"""Any input is either accepted or refused in one line that names the field or option."""

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.resources import Node
from study.commands import options, report
from study.ledger.study_folder import StudyFolder
from study.planning import custom_grid, make_plan, request
from tests.study import fake
from trainables.config import TrialConfig, field_types, flatten, from_flat, parse

PATHS = sorted(field_types())
NODES = [Node(cpus=4, gpus=0)]
odd_numbers = st.one_of(
    st.integers(), st.floats(), st.sampled_from([0, -1, 1e-320, 1e308, 10**30, -0.0])
)
odd_texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            " ",
            "nan",
            "inf",
            "1e999",
            "../x",
            "/etc/passwd",
            "a\nb",
            "\x00",
            "[/red]",
            "$(id)",
            "<b>",
            "true",
            "None",
            "0x10",
            "1_000",
            "\ud800",
        ]
    ),
)
values = st.one_of(odd_numbers, odd_texts, st.booleans(), st.none(), st.lists(st.integers()))
paths = st.one_of(st.sampled_from(PATHS), st.sampled_from(PATHS), odd_texts)


def one_line(error: ValueError, names: list[str]) -> None:
    """Check that the error is one line and names a field or option."""
    text = str(error)
    assert text
    assert "\n" not in text, text
    assert any(name in text for name in names), (text, names)


@settings(max_examples=1000, deadline=None)
@given(changes=st.dictionaries(paths, values, min_size=1, max_size=4))
def test_any_config_is_accepted_or_refused_in_one_line_that_names_the_field(
    changes: dict[str, Any],
) -> None:
    try:
        config = TrialConfig().changed(changes)
    except ValueError as error:
        one_line(error, [*PATHS, "unknown config path"])
    else:
        assert from_flat(flatten(config)) == config


@settings(max_examples=300, deadline=None)
@given(path=paths, text=odd_texts)
def test_any_text_of_a_config_value_is_parsed_or_refused_in_one_line(path: str, text: str) -> None:
    try:
        value = parse(path, text)
    except ValueError as error:
        one_line(error, [path, "unknown config path"])
    else:
        assert isinstance(value, field_types()[path])


@settings(max_examples=100, deadline=None)
@given(
    texts=st.lists(
        st.one_of(
            odd_texts, st.tuples(paths, odd_texts).map("=".join), st.sampled_from(request.SAMPLERS)
        ),
        max_size=3,
    ),
    flag=st.sampled_from(
        [
            "--set",
            "--grid",
            "--name",
            "--objective",
            "--sampler",
            "--recipe",
            "--space",
            "--trials",
            "--winner",
            "--on-oom",
        ]
    ),
)
def test_any_command_line_makes_a_plan_or_is_refused_in_one_line(
    texts: list[str], flag: str
) -> None:
    words = ["--space", "inverseform", *(word for text in texts for word in (flag, text))]
    stderr = io.StringIO()
    try:
        with contextlib.redirect_stderr(stderr):
            make_plan.plan_from_request(options.parse_request(words), NODES)
    except ValueError as error:
        one_line(error, ["--", *PATHS, "config path", "grid", "data"])
    except SystemExit:  # argparse's own exit
        assert stderr.getvalue().count("\n") == 1


@settings(max_examples=100, deadline=None)
@given(content=st.one_of(st.text(max_size=60), st.binary(max_size=60)))
def test_any_grid_file_makes_a_grid_or_is_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: str | bytes
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "any.yaml"
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    path.write_bytes(raw)
    try:
        custom_grid.grid_from_file(path)
    except ValueError as error:
        one_line(error, ["any.yaml", "--grid", "grid"])


@pytest.mark.parametrize("uri", ["nonsense://x", "./mlruns", "127.0.0.1:5000", "sqlite:m.db"])
def test_an_invalid_tracking_uri_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="--tracking-uri must begin with sqlite:///"):
        options.parse_request(["--tracking-uri", uri]).tracking()


def test_the_report_command_refuses_it_too_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = fake.plan(tmp_path)
    fake.ended_study(plan)
    words = ["fake", "--storage", str(tmp_path), "--tracking-uri", "nonsense://x"]
    assert report.main([*words, "--rebuild-mlflow"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("study/report.py: --tracking-uri must begin with sqlite:///")
    assert error.count("\n") == 1
    assert not StudyFolder.of(plan).report.exists()


def test_the_report_command_names_a_tracking_database_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.ended_study(fake.plan(tmp_path))
    (tmp_path / "notes.txt").write_text("no database at all, but a text")
    words = ["--storage", str(tmp_path), "--tracking-uri", f"sqlite:///{tmp_path}/notes.txt"]
    assert report.main(["fake", *words, "--rebuild-mlflow"]) == 2
    error = capsys.readouterr().err
    assert f"{tmp_path}/notes.txt is not an SQLite database" in error
    assert error.count("\n") == 1
