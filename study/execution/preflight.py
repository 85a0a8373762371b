"""The preflight of a study: checks that its machines have what it needs."""

from dataclasses import replace
from functools import partial

from rich.console import Console

from cluster import session
from cluster.preflight.check import Check, Needs
from cluster.preflight.checks import cluster_checks, local_checks
from study.ledger.plan import Plan
from study.planning.printed_commands import rebuild_command
from trainables.config.trial_id import NAMED_WEIGHTS
from trainables.config.words import counted
from trainables.data import Dataset
from trainables.data.fingerprint import fingerprint

_PACKAGES = (
    "ray",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "opencv-python-headless",
    "pillow",
    "timm",
    "optuna",
    "segmentation-models-pytorch",
    "h5py",
    "nibabel",
)
"""The distributions that a worker imports."""
_CHECKPOINT_BYTES = 64 * 2**20
"""Room in the object store for checkpoints in transit."""


def require_fit(
    plan: Plan,
    dataset: Dataset,
    disk_bytes: int,
    console: Console,
    *,
    dry_run: bool,
    resumed: bool = False,
) -> None:
    """Run the checks. Print those that did not pass; on a cluster and in a dry run, all of them.

    Args:
        disk_bytes: what the checkpoints need at most.
        resumed: whether the study has begun. It then continues without a tracking server: a job
            that a scheduler starts again has nobody to start the server first.

    Raises:
        ValueError: a check fails.
    """
    needs = _needs(plan, dataset, disk_bytes)
    attached = session.attached()
    checks = cluster_checks(needs) if attached else local_checks(needs)
    if resumed:
        checks = [_goes_on(check, plan) if check.away else check for check in checks]
    for check in checks:
        if attached or dry_run or check.verdict == "warn":
            console.print(str(check), highlight=False, soft_wrap=True, markup=False)
    _require_none_failed(checks)


def _goes_on(check: Check, plan: Plan) -> Check:
    """The check as a warning: MLflow can be written from the ledger at any time."""
    rebuild = rebuild_command(plan.study, plan.storage, plan.tracking_uri)
    remedy = f"the study continues; what MLflow lacks at its end is written with: {rebuild}"
    return replace(check, verdict="warn", remedy=remedy)


def _require_none_failed(checks: list[Check]) -> None:
    failed = [check for check in checks if check.verdict == "fail"]
    if failed:
        reasons = " | ".join(f"{check.name}: {check.found}; {check.remedy}" for check in failed)
        raise ValueError(
            f"{len(failed)} of {counted(len(checks), 'check')} before the start failed: {reasons}"
        )


def _needs(plan: Plan, dataset: Dataset, disk_bytes: int) -> Needs:
    """Images in memory go through the object store; those on disk must be on every machine."""
    image_bytes = dataset.nbytes
    model = plan.config.model
    on_disk = image_bytes == 0
    weights = tuple(name for name in (model.weights, model.init) if name not in NAMED_WEIGHTS)
    return Needs(
        storage=plan.storage,
        tracking_uri=plan.tracking_uri,
        packages=_PACKAGES,
        code=session.PACKAGES,
        object_bytes=image_bytes + _CHECKPOINT_BYTES,
        storage_bytes=disk_bytes,
        data=partial(fingerprint, plan.config.data if on_disk else None, *weights)
        if on_disk or weights
        else None,
    )
