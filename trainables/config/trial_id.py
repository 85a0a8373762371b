"""What names a trial: everything that decides its numbers."""

import hashlib
import json
from functools import cache
from pathlib import Path

from trainables.config.data import OF_FOLDER
from trainables.config.later_fields import without_defaults
from trainables.config.tasks import TaskConfig
from trainables.config.trial import TrialConfig, flatten

_ROOT = Path(__file__).resolve().parents[1]
_IN_DIGEST = (
    *("data/holdout", "data/holdout_by", "data/folds"),
    *(f"data/{name}" for name in OF_FOLDER),
)
"""What decides which images are in which list and what their labels are: the data's digest says
it."""
_PLACES = ("data/root", "data/cache", "data/links")
NAMED_WEIGHTS = ("", "none", "imagenet")
"""Initial weights that are no file; "" is ``model/init`` without one."""

_OF_TRIAL = "trial:"


def of_trial(trial_id: str, epoch: int) -> str:
    """``model/init`` of a trial that starts from another's network: by content, not by place."""
    return f"{_OF_TRIAL}{trial_id}:{epoch}"


def is_of_trial(init: str) -> bool:
    """Whether ``model/init`` names another trial's network."""
    return init.startswith(_OF_TRIAL)


def identity(config: TrialConfig, data_digest: str) -> str:
    """Twelve hex digits that name a trial by its content: equal content, equal name.

    The content of the data and of a weights file counts, not where they are or whether the data
    are cached in memory. The code counts, too (``code_digest``).
    """
    left_out = {*_PLACES, *_IN_DIGEST}
    flat = {path: value for path, value in flatten(config).items() if path not in left_out}
    if not config.parts:
        del flat["parts"]
    if config.data.loader == "auto":
        del flat["data/loader"]
    if config.task == TaskConfig():
        flat = {path: value for path, value in flat.items() if not path.startswith("task/")}
    if "edge" not in config.task.names:
        del flat["eval/edge_thresholds"]
    if not config.data.targets:
        del flat["data/targets"]
    if config.data.moves == "edgewise":
        del flat["data/moves"]
    flat = without_defaults(flat)
    for path in ("model/weights", "model/init"):
        flat[path] = weights_content(str(flat[path]))
    text = json.dumps([flat, data_digest, code_digest()], sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def code_digest() -> str:
    """Sixteen hex digits of the source of ``trainables``: all that a trial or a stage runs.

    A version number that a person raises would be forgotten once, and old results would then pass
    for those of the new code. So every edit counts, even of a comment: a trial that runs again
    costs time only. Packages such as torch do not count; the ledger's provenance has them.
    """
    digest = hashlib.sha256()
    for path in sorted(_ROOT.rglob("*.py")):
        content = path.read_bytes()
        name = path.relative_to(_ROOT).as_posix()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def weights_content(weights: str) -> str:
    """A name of initial weights that is equal only for equal content.

    It is ``weights`` itself for ``NAMED_WEIGHTS`` and a trial's network; of a file it is the hash.
    A file that cannot be read has a name that no readable one has: its trial fails, and is never
    reused.
    """
    if weights in NAMED_WEIGHTS or is_of_trial(weights):
        return weights
    path = Path(weights).expanduser()
    try:
        facts = path.stat()
        return f"sha256:{_hash_of(path, facts.st_ino, facts.st_size, facts.st_mtime_ns)}"
    except OSError:
        return f"unreadable:{weights}"


@cache
def _hash_of(path: Path, inode: int, size: int, mtime_ns: int) -> str:
    """The file's hash; the other arguments let a changed file be read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
