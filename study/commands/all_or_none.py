"""Files that a command writes into the user's folder: all of them, or none."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def all_or_none(out: Path, names: Sequence[str], overwrite: bool) -> Iterator[Path]:
    """A folder beside ``--out``, whose files move there once all are written.

    Args:
        out: the user's folder.
        names: the paths that will be written, relative to it.
        overwrite: whether they may replace files that exist.

    Raises:
        ValueError: a file exists, or none can be written.
    """
    _require_new(out, names, overwrite)
    draft = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        yield draft
        _require_new(out, names, overwrite)  # what is written takes a while
        for name in names:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(draft / name, out / name)
    except OSError as error:
        raise ValueError(f"--out: {out} cannot be written: {error.strerror}") from None
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def _require_new(out: Path, names: Sequence[str], overwrite: bool) -> None:
    for name in names:
        if not overwrite and (out / name).exists():
            raise ValueError(
                f"--out must have none of the files to write, got {out / name}; give "
                f"another folder, or --overwrite"
            )
