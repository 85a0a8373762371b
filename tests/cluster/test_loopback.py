"""A study's own Ray listens on loopback alone, and answers only those who have its token.

The command runs in a process of its own with a clean environment: nothing of pytest helps it.
"""

import os
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

_SESSION = """
import os, sys, urllib.error, urllib.request
import psutil, ray
from cluster.session import ray_session

before = dict(os.environ)
for _ in range(2):  # the second session must know its own token, not the first one's
    with ray_session(100 * 2**20):
        ray.get(ray.remote(num_cpus=0)(lambda: 1).remote())
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        for process in processes:
            for opened in process.net_connections("inet"):
                if opened.status == "LISTEN":
                    print("listens", opened.laddr.ip)
        try:
            urllib.request.urlopen(os.environ["RAY_API_SERVER_ADDRESS"] + "/api/jobs/")
            print("answers anybody")
        except urllib.error.HTTPError as error:
            print("refuses with", error.code)
        print("token", os.environ["RAY_AUTH_TOKEN"])
for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"):
    assert os.environ.get(name) == before.get(name), name
"""


def clean_environment(home: Path) -> dict[str, str]:
    """What a login shell gives, and nothing of Ray, torch or pytest."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}


def listening(process: psutil.Process) -> dict[str, str]:
    """The addresses on which a process and its descendants listen, with one of their names."""
    found = dict[str, str]()
    for member in [process, *process.children(recursive=True)]:
        try:
            for opened in member.net_connections("inet"):
                if opened.status == psutil.CONN_LISTEN:
                    found[opened.laddr.ip] = " ".join(member.cmdline())[:120]
        except psutil.NoSuchProcess:
            continue
    return found


def is_loopback(text: str) -> bool:
    address = ip_address(text)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


@pytest.mark.slow
def test_neither_an_imported_ray_nor_the_environment_opens_it(tmp_path: Path) -> None:
    opened = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1", "RAY_AUTH_MODE": "disabled"}
    done = subprocess.run(
        [sys.executable, "-c", _SESSION],
        cwd=ROOT,
        env={**clean_environment(tmp_path), **opened},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    addresses = {line[-1] for line in lines if line[0] == "listens"}
    assert addresses
    assert all(is_loopback(address) for address in addresses), addresses
    assert [line[-1] for line in lines if line[0] == "refuses"] == ["401", "401"]
    assert len({line[-1] for line in lines if line[0] == "token"}) == 2
