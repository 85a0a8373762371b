"""No password and nothing that a terminal obeys in what is shown."""

import pytest

from cluster import render
from cluster.safe_text import has_control_characters, printable, without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://user:secret@host/db", "postgresql://user:***@host/db"),
        ("mysql+pymysql://user:se:c@re/t@host:3306/db", "mysql+pymysql://user:***@host:3306/db"),
        ("at https://me:secret@host/a: down", "at https://me:***@host/a: down"),
        (
            "postgresql://h/db?user=a&password=secret&x=1",
            "postgresql://h/db?user=a&password=***&x=1",
        ),
        ("mssql+pyodbc:///?odbc_connect=PWD%3Dsecret", "mssql+pyodbc:///?odbc_connect=***"),
        ("sqlite:////tmp/a@b.db", "sqlite:////tmp/a@b.db"),
        ("http://host:5000/x", "http://host:5000/x"),
        ("postgresql://user@host/db", "postgresql://user@host/db"),
    ],
)
def test_a_password_is_masked_and_nothing_else(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
    assert without_passwords(shown) == shown


def test_what_a_terminal_obeys_is_removed() -> None:
    assert printable("a\x1b[31mred\x07 b\nc\u202e") == "a[31mred b c"
    assert printable("[red]Straße π[/red]") == "[red]Straße π[/red]"
    assert has_control_characters("a\nb")
    assert not has_control_characters("a b")


@pytest.mark.parametrize("launcher", ["slurm", "kuberay", "ray-up"])
@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("data/root=/x\nkind: Pod", "-- must be one line without control characters"),
        ("data/root=/x\u2028y", "-- must be one line without control characters"),
        ("postgresql://user:secret@host/db", "-- must be without a password"),
    ],
)
def test_render_refuses_an_option_that_could_add_lines_or_hold_a_password(
    capsys: pytest.CaptureFixture[str], launcher: str, option: str, words: str
) -> None:
    assert render.main([launcher, "--space", "region", "--", "--set", option]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert words in printed.err
    assert "secret" not in printed.err
