"""Objects that go to another process, and errors that come back."""

import hashlib
import io
import pickle
from dataclasses import dataclass

_KNOWN = ("trainables", "builtins", "numpy", "pathlib", "types", "functools", "collections")
"""The packages whose objects any process can read."""


@dataclass(frozen=True)
class Pickled:
    """What is known of an object once it is pickled."""

    digest: str
    """Equal only for equal objects."""
    foreign: str
    """A module of none of the known packages, such as a plug-in, whose object is in it; or ""."""

    @classmethod
    def of(cls, value: object) -> "Pickled":
        buffer = io.BytesIO()
        pickler = _Pickler(buffer)
        pickler.dump(value)
        return cls(hashlib.sha256(buffer.getbuffer()).hexdigest(), pickler.foreign)


class _Pickler(pickle.Pickler):
    foreign = ""

    def persistent_id(self, value: object) -> None:
        """Called for every object; None: pickle it as usual."""
        owner = value if isinstance(value, type) or callable(value) else type(value)
        module = getattr(owner, "__module__", None) or "builtins"
        if module.partition(".")[0] not in _KNOWN:
            self.foreign = module


def as_it_was_raised(error: Exception) -> Exception:
    """The error itself if another process can read it; else one with its type and its words."""
    try:
        again = pickle.loads(pickle.dumps(error))
        if type(again) is type(error) and str(again) == str(error):
            return error
    except Exception:  # an error of any library, with any arguments
        return RuntimeError(f"{type(error).__name__}: {error}")
    return RuntimeError(f"{type(error).__name__}: {error}")
