"""What every loss has as a ``torch.nn.Module``, and as a function.

Shape letters: B images, K classes, H rows, W columns.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar, Concatenate, Literal, ParamSpec, cast, get_args, get_origin

import torch
from torch import Tensor, nn

from trainables.config import require
from trainables.config.validation import hints_of
from trainables.geometry.boundaries import VOID
from trainables.losses.term import LossTerm
from trainables.modules.arguments import (
    finite_part,
    refuse_transforms,
    valid_labels,
    with_poison,
)

P = ParamSpec("P")


@dataclass(eq=False, repr=False, kw_only=True)
class LossModule(nn.Module):
    """A loss of logits and labels; a module without parameters, which a copy or a pickle keeps."""

    ignore_index: int = VOID
    """The label of pixels that count nowhere."""

    on_nonfinite: Literal["raise", "return"] = "raise"
    """Logits that are NaN or infinite raise a ValueError on a CPU; or the loss and its gradient
    are NaN, which ``torch.amp.GradScaler`` skips. On a GPU they are always NaN: to raise, the host
    would wait for the device in every step."""

    def __post_init__(self) -> None:
        super().__init__()
        for name, hint in hints_of(type(self)).items():
            if get_origin(hint) is Literal:
                allowed = get_args(hint)
                require(getattr(self, name) in allowed, name, f"one of {allowed}", self._of(name))

    def _of(self, name: str) -> object:
        return getattr(self, name)

    def __repr__(self) -> str:
        """The settings that differ from their defaults, without the layers of a frozen network."""
        given = ((field.name, self._of(field.name), field.default) for field in fields(self))
        own = (f"{name}={_shown(value)!r}" for name, value, default in given if value != default)
        return f"{type(self).__name__}({', '.join(own)})"


def _outside_of_graphs(function: Callable[P, Tensor], *args: P.args, **given: P.kwargs) -> Tensor:
    """Call the function; for ``torch.compile`` it is one call, not cut into dozens of graphs."""
    if torch.compiler.is_compiling():
        outside: Tensor = torch.compiler.disable(function)(*args, **given)
        return outside
    return function(*args, **given)


def _shown(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


@dataclass(eq=False, repr=False, kw_only=True)
class ClassLoss(LossModule):
    """A loss of the class scores alone."""

    by_hand: ClassVar[bool] = False
    """Whether its derivative is written out, and not torch's: it has a first one only."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        """The loss before its division: a sum, and the number to divide by."""
        raise NotImplementedError

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch, a scalar of float32 (float64 for float64 logits).

        Args:
            logits: floating point (B,K,H,W), before the softmax; 2 to 255 classes.
            labels: integers (B,H,W), 0 to K-1 or ``ignore_index``.

        Raises:
            ValueError: naming the argument, what is allowed and what was given.
        """
        return _outside_of_graphs(self._value, logits, labels)

    def _value(self, logits: Tensor, labels: Tensor) -> Tensor:
        refuse_transforms(self, self.by_hand, logits, labels)
        finite, poison = finite_part("logits", logits, self.on_nonfinite)
        labels, poison = valid_labels(logits, labels, self.ignore_index, poison)
        with torch.autocast(logits.device.type, enabled=False):  # as a study computes it
            value = self.term(finite, labels).value()
        return with_poison(value, poison, logits)


@dataclass(eq=False, repr=False, kw_only=True)
class HeadLoss(LossModule):
    """A loss of the scores of a boundary head, which has one channel."""

    def head_term(
        self, logits_BKHW: Tensor, labels_BHW: Tensor, boundary_logits_BHW: Tensor
    ) -> LossTerm:
        """The loss before its division: a sum, and the number to divide by."""
        raise NotImplementedError

    def forward(self, logits: Tensor, labels: Tensor, boundary_logits: Tensor) -> Tensor:
        """The loss of a batch, a scalar of float32 (float64 for float64 logits).

        Args:
            logits: floating point (B,K,H,W), before the softmax; 2 to 255 classes.
            labels: integers (B,H,W), 0 to K-1 or ``ignore_index``.
            boundary_logits: floating point (B,H,W) or (B,1,H,W), before the sigmoid.

        Raises:
            ValueError: naming the argument, what is allowed and what was given.
        """
        return _outside_of_graphs(self._value, logits, labels, boundary_logits)

    def _value(self, logits: Tensor, labels: Tensor, boundary_logits: Tensor) -> Tensor:
        refuse_transforms(self, False, logits, labels, boundary_logits)
        if boundary_logits.dim() == 4 and boundary_logits.shape[1] == 1:
            boundary_logits = boundary_logits.squeeze(1)
        scores, poison = finite_part("logits", logits, self.on_nonfinite)
        head, of_head = finite_part("boundary_logits", boundary_logits, self.on_nonfinite)
        labels, poison = valid_labels(logits, labels, self.ignore_index, poison)
        require(head.device == logits.device, "boundary_logits", f"on {logits.device}", head.device)
        with torch.autocast(logits.device.type, enabled=False):  # as a study computes it
            value = self.head_term(scores, labels, head).value()
        return with_poison(with_poison(value, poison, logits), of_head, boundary_logits)


Scalar = Callable[Concatenate[Tensor, Tensor, P], Tensor]


def function_of(kind: Callable[P, ClassLoss], name: str) -> Scalar[P]:
    """The loss as a function (logits, labels, *, settings) -> scalar."""

    def loss(logits: Tensor, labels: Tensor, /, *args: P.args, **settings: P.kwargs) -> Tensor:
        def value() -> Tensor:
            return cast(Tensor, kind(*args, **settings)(logits, labels))

        return _outside_of_graphs(value)

    return _named(loss, kind, name, ("logits", "labels"))


HeadScalar = Callable[Concatenate[Tensor, Tensor, Tensor, P], Tensor]


def head_function_of(kind: Callable[P, HeadLoss], name: str) -> HeadScalar[P]:
    """The loss as a function (logits, labels, boundary_logits, *, settings) -> scalar."""

    def loss(
        logits: Tensor,
        labels: Tensor,
        boundary_logits: Tensor,
        /,
        *args: P.args,
        **settings: P.kwargs,
    ) -> Tensor:
        def value() -> Tensor:
            return cast(Tensor, kind(*args, **settings)(logits, labels, boundary_logits))

        return _outside_of_graphs(value)

    return _named(loss, kind, name, ("logits", "labels", "boundary_logits"))


F = Callable[..., Tensor]


def _named(function: F, kind: object, name: str, tensors: tuple[str, ...]) -> F:
    """The function with the name, the text and the settings of the module's class."""
    assert inspect.isclass(kind)
    given = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in tensors]
    settings = list(inspect.signature(kind).parameters.values())
    signature = inspect.Signature([*given, *settings], return_annotation=torch.Tensor)
    function.__name__ = function.__qualname__ = name
    function.__module__ = kind.__module__
    function.__doc__ = f"``{kind.__name__}(...)`` in one call.\n\n{kind.__doc__}"
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function
