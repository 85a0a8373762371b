"""The checks that compare machines. Each machine answers in a Ray task that is pinned to it."""

import shutil
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from uuid import uuid4

from cluster.preflight.check import Check, Machine, Needs, unless
from cluster.preflight.node_facts import Facts, Question, code_digest, look, sees, versions

if TYPE_CHECKING:
    from ray.remote_function import RemoteFunction

_TASK_S = 60.0
"""How long a machine may take to answer."""
_SKEW_S = 5.0
"""How far a machine's clock may be off."""


def checks_across(machines: list[Machine], needs: Needs) -> list[Check]:
    """Check that all machines answer, and have the same versions, code, storage, data and time."""
    folder = needs.storage / f".preflight-{uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    try:
        question = Question(str(folder), needs.packages, needs.code, needs.data)
        facts, skews = _query_all(machines, question)
        unread = _unread(machines, str(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return list(judge(machines, needs, facts, skews, unread))


def _pinned(function: Callable[..., object], node_id: str) -> "RemoteFunction":
    """A task without CPU that runs on this machine or fails."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    where = NodeAffinitySchedulingStrategy(node_id, soft=False)
    # A retry could only fail again on the same machine.
    return ray.remote(num_cpus=0, max_retries=0)(function).options(scheduling_strategy=where)


def _query_all(
    machines: list[Machine], question: Question
) -> tuple[dict[str, Facts], dict[str, float]]:
    """Facts by node id, and the least number of seconds by which each clock must be off.

    All machines are queried at once; one that does not answer in time is left out.
    """
    import ray

    begin = time.time()
    waiting = {_pinned(look, machine.id).remote(machine.id, question) for machine in machines}
    facts: dict[str, Facts] = {}
    skews: dict[str, float] = {}
    deadline = time.monotonic() + _TASK_S
    while waiting and time.monotonic() < deadline:
        done, left = ray.wait(list(waiting), timeout=1.0)
        waiting = set(left)
        for reference in done:
            try:
                fact: Facts = ray.get(reference)
            except ray.exceptions.RayError:
                continue  # judge reports a machine without facts
            facts[fact.node] = fact
            # A correct clock reads a time between the question and the answer.
            skews[fact.node] = max(begin - fact.clock, fact.clock - time.time(), 0.0)
    return facts, skews


def _unread(machines: list[Machine], folder: str) -> list[tuple[str, str]]:
    """The pairs (reader, writer) of machines where the reader does not see the writer's file."""
    import ray

    # In a ring, each machine reads once and is read once: n tasks instead of n * (n - 1).
    ids = [machine.id for machine in machines]
    pairs = list(zip(ids, [*ids[1:], ids[0]], strict=True))
    waiting = [_pinned(sees, reader).remote(folder, writer) for reader, writer in pairs]
    done, _ = ray.wait(waiting, num_returns=len(waiting), timeout=_TASK_S)
    unread = []
    for pair, reference in zip(pairs, waiting, strict=True):
        try:
            if reference not in done or not ray.get(reference):
                unread.append(pair)
        except ray.exceptions.RayError:
            unread.append(pair)
    return unread


def judge(
    machines: list[Machine],
    needs: Needs,
    facts: dict[str, Facts],
    skews: dict[str, float],
    unread: list[tuple[str, str]],
) -> Iterator[Check]:
    """Compare the machines' answers with each other and with this process."""
    name = {machine.id: machine.name for machine in machines}
    silent = [name[node_id] for node_id in name if node_id not in facts]
    yield unless(
        "machines",
        silent,
        f"all {len(name)} answer",
        "no answer from",
        "look at `ray status` and at their raylet.log",
    )
    mine = versions(needs.packages)
    other = [
        f"{name[fact.node]} {package} {fact.versions[package]} (here {here})"
        for fact in facts.values()
        for package, here in mine.items()
        if fact.versions[package] != here
    ]
    yield unless(
        "versions",
        other,
        f"{len(mine)} equal everywhere",
        "differ:",
        "install constraints.txt everywhere, or use one image",
    )
    code = code_digest(needs.code)
    other = [name[fact.node] for fact in facts.values() if fact.code != code]
    yield unless(
        "code",
        other,
        f"{code} everywhere",
        f"not {code} on",
        "remove the copy installed there, or submit with --working-dir .",
    )
    yield from _judge_files(needs, name, facts, unread)
    late = [f"{name[node]} {skew:.0f} s" for node, skew in skews.items() if skew > _SKEW_S]
    yield unless("clocks", late, f"within {_SKEW_S:.0f} s", "off:", "run an NTP service there")


def _judge_files(
    needs: Needs, name: dict[str, str], facts: dict[str, Facts], unread: list[tuple[str, str]]
) -> Iterator[Check]:
    unwritable = [f"{name[fact.node]} ({fact.wrote})" for fact in facts.values() if fact.wrote]
    unread_pairs = [f"{name[reader]} from {name[writer]}" for reader, writer in unread]
    share = "mount one folder on every machine and name it with --storage"
    if unwritable:
        yield unless("storage", unwritable, "", f"{needs.storage} cannot be written on", share)
    else:
        yield unless(
            "storage",
            unread_pairs,
            f"{needs.storage} is one folder on every machine",
            f"{needs.storage} is not one folder: unread on",
            share,
        )
    if needs.data is not None:
        mine = needs.data()
        other = [f"{name[fact.node]} ({fact.data})" for fact in facts.values() if fact.data != mine]
        yield unless(
            "data",
            other,
            f"{mine} everywhere",
            f"not {mine} on",
            "put the same files at the same path on every machine",
        )
