"""A password in --tracking-uri is in no output and in no file of the study, and in no pickle."""

import logging
import pickle
import shlex
from pathlib import Path

import pytest
from rich.console import Console

from cluster.preflight import tracking
from search_spaces import SPACES
from study.commands import report, run_study
from study.commands.run import main
from study.execution.stopping import Policy
from study.ledger.plan import Plan
from study.planning.printed_commands import resume_command
from study.tracking.sink import MlflowSink
from tests.study import fake
from tests.study.commands.test_run import refused
from trainables.data import load

URI = "postgresql://user:secret@127.0.0.1:1/db"
SMALL = ("height=16", "width=16", "train_images=4", "val_images=2", "test_images=1")


def no_secret_below(folder: Path) -> None:
    for path in folder.rglob("*"):
        assert not path.is_file() or b"secret" not in path.read_bytes(), path


def test_the_plan_and_the_result_print_no_password(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "fault_of_server", lambda *of: None)
    places = ["--storage", str(tmp_path), "--tracking-uri", URI]
    sizes = [word for size in SMALL for word in ("--set", f"data/{size}")]
    assert main(["--space", "region", "--dry-run", "--name", "new", *places, *sizes]) == 0
    fake.ended_study(fake.plan(tmp_path))
    assert main(["--resume", "fake", *places]) == 0
    printed = capsys.readouterr()
    assert "secret" not in printed.out + printed.err
    assert printed.out.count("user:***@127.0.0.1") >= 3
    no_secret_below(tmp_path)


def test_the_command_to_resume_says_where_the_password_goes_and_is_refused_without_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = resume_command("a", tmp_path, URI, " --max-hours MORE")
    assert "secret" not in command
    assert command.endswith("--max-hours MORE  # with the password in place of ***")
    words = shlex.split(command, comments=True)
    typed = words[words.index("--tracking-uri") + 1]
    error = refused(capsys, tmp_path, "--space", "region", "--tracking-uri", typed)
    assert "--tracking-uri must be given with a password for ***" in error
    error = refused(capsys, tmp_path, "--space", "region", "--tracking-uri", f"x{URI}")
    assert "secret" not in error


def test_neither_complaints_nor_the_log_have_it(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(sink: MlflowSink) -> None:
        raise ConnectionError(f"cannot reach {URI}")

    monkeypatch.setattr(MlflowSink, "_connected", fail)
    record = fake.ended_study(fake.plan(tmp_path)).record
    with caplog.at_level(logging.WARNING):
        complaint = MlflowSink(URI, record, lambda trial: []).close([], patience_s=30)
    assert "user:***@127.0.0.1:1/db lacks" in complaint
    assert "cannot reach postgresql://user:***@" in caplog.text
    assert "secret" not in complaint + caplog.text


def test_ray_is_handed_a_plan_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[Plan] = []

    class Handed:
        def __init__(self, plan: Plan, *rest: object) -> None:
            handed.append(plan)
            raise KeyboardInterrupt

    monkeypatch.setattr(run_study, "Execution", Handed)
    plan = fake.plan(tmp_path, tracking_uri=URI)
    ledger = fake.begin(plan)
    ledger.listeners.clear()
    monkeypatch.setattr(run_study.StudyRun, "_finish", lambda *_: None)
    sizes = {f"data/{size.partition('=')[0]}": int(size.partition("=")[2]) for size in SMALL}
    dataset = load(plan.config.changed(sizes).data)
    run_study.StudyRun(plan, SPACES[plan.space], dataset, ledger, Console()).run(Policy())
    assert handed[0].study == plan.study
    assert b"secret" not in pickle.dumps(handed[0])
    assert "secret" not in repr(plan)


def test_the_rebuild_prints_no_password(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.ended_study(fake.plan(tmp_path))
    monkeypatch.setattr(tracking, "fault_of_server", lambda *of: None)
    monkeypatch.setattr(MlflowSink, "close", lambda *_, **__: "")
    options = ["--storage", str(tmp_path), "--tracking-uri", URI, "--rebuild-mlflow"]
    assert report.main(["fake", *options]) == 0
    assert "secret" not in capsys.readouterr().out
    no_secret_below(tmp_path)
