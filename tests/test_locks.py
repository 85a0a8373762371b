"""What is installed or run from elsewhere is named by its content: hashes, digests, commits."""

import re
import tomllib
from itertools import chain

import pytest
import yaml

from tests.conftest import ROOT

EVERYTHING, IMAGE = "constraints.txt", "cluster/launch/requirements.txt"
EXTRAS = {EVERYTHING: ("study", "test"), IMAGE: ("study", "server")}


def pins(name: str) -> dict[str, list[str]]:
    """By package, what the lock's lines say of it: the versions, markers and hashes."""
    entries = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
    found: dict[str, list[str]] = {}
    for entry in entries:
        found.setdefault(entry.partition("==")[0], []).append(entry)
    return found


@pytest.mark.parametrize("name", EXTRAS)
def test_every_locked_package_has_one_version_and_its_hashes(name: str) -> None:
    pattern = r"[a-z0-9-]+==\S+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+"
    for entries in pins(name).values():
        for entry in entries:
            assert re.fullmatch(pattern, entry), entry[:200]


@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_names_no_index(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^--", text, re.MULTILINE)


@pytest.mark.parametrize(("name", "extras"), EXTRAS.items())
def test_a_lock_has_what_the_project_requires(name: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = pins(name)
    of_extras = (project["optional-dependencies"][extra] for extra in extras)
    for line in [*project["dependencies"], *chain.from_iterable(of_extras)]:
        package = re.split(r"[\[<>=;]", line)[0].lower()
        assert package in locked, f"{name} lacks {package}: make lock"


def test_the_image_has_the_versions_of_the_tests() -> None:
    tested, shipped = pins(EVERYTHING), pins(IMAGE)
    common = tested.keys() & shipped.keys()
    assert len(common) > 100
    assert {name: tested[name] for name in common} == {name: shipped[name] for name in common}


def test_actions_are_named_by_their_commit() -> None:
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    steps = [
        step
        for path in workflows
        for job in yaml.safe_load(path.read_text())["jobs"].values()
        for step in job["steps"]
    ]
    used = [step["uses"] for step in steps if "uses" in step]
    assert len(used) >= 4
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
