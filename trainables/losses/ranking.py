"""How much each pixel's error counts in the Lovasz extension of the Jaccard loss.

Shape letters: M maps that are ranked, each on its own, P pixels of a map, V valid ones.
"""

from typing import Literal

import torch
from torch import Tensor

_LARGEST = 2**31 - 1
_EXACT_IN_FLOAT32 = 2**24
_PLACES = 2**30

Variant = Literal["paper", "released"]


class Ranking:
    """Ranks the pixels of maps by error; what all maps of a group share is made once."""

    def __init__(
        self,
        valid_P: Tensor,
        dtype: torch.dtype,
        variant: Variant = "paper",
        *,
        nonnegative: bool = False,
    ) -> None:
        """
        Args:
            valid_P: bool; the other pixels are not ranked, and weigh nothing.
            dtype: of the errors.
            variant: "released" leaves the order of equal errors to ``torch.sort``, as the authors'
                code does: where errors are equal, the derivative is one of many, and theirs is not
                ours.
            nonnegative: no error will be below zero, which saves a step.
        """
        self._valid_P = valid_P
        self._variant = variant
        self._nonnegative = nonnegative
        self._on_cpu = valid_P.device.type == "cpu"
        self._all_valid = self._on_cpu and bool(valid_P.all())
        self._packs = (
            self._on_cpu
            and dtype == torch.float32
            and variant == "paper"
            and len(valid_P) < _PLACES
        )
        exact = dtype if len(valid_P) < _EXACT_IN_FLOAT32 else torch.float64
        self._ramp_P = torch.arange(len(valid_P), dtype=exact, device=valid_P.device)
        if self._packs:
            self._places_P = torch.arange(0, 2 * len(valid_P), 2, dtype=torch.int32)
            self._keys_P = torch.empty(len(valid_P), dtype=torch.int64)
            self._lower_P = torch.empty_like(self._places_P)
            self._last_V = (_LARGEST << 32) + self._places_P[~valid_P].long()

    def weights(self, error_MP: Tensor, truth_MP: Tensor) -> Tensor:
        """(M,P): the derivative of the Lovasz extension by each error; 0 at void pixels.

        ``truth_MP`` is 1 or 0, of the errors' type: comparing floats for floats is four times as
        fast here as making a mask of bool.

        Pixels are ranked by falling error, equal ones by place. With G true pixels in all, the
        union U after a pixel and the intersection I after it, a true pixel weighs 1 / U and another
        I / (U (U - 1)): the steps of 1 - I / U (Algorithm 1 of Berman et al.), without the
        cancellation of differences. Both are (I + rank * truth) / (U (U - 1)), ranks from zero.

        On a CPU, float32 errors are ranked as whole numbers that hold error, place and truth at
        once, which numpy sorts twenty times as fast as torch sorts pairs.
        """
        if not self._packs and self._variant == "paper":
            return self._by_torch(error_MP, truth_MP)
        one_map = self._by_numpy if self._packs else self._as_released
        rows = [one_map(*row) for row in zip(error_MP, truth_MP, strict=True)]
        return rows[0].unsqueeze(0) if len(rows) == 1 else torch.stack(rows)

    def _by_torch(self, error_MP: Tensor, truth_MP: Tensor) -> Tensor:
        last_MP = error_MP.masked_fill(~self._valid_P, float("-inf"))
        order_MP = last_MP.argsort(dim=1, descending=True, stable=True)
        weight_MP = self._steps((truth_MP * self._valid_P).gather(1, order_MP))
        return torch.zeros_like(error_MP).scatter_(1, order_MP, weight_MP).mul_(self._valid_P)

    def _as_released(self, error_P: Tensor, truth_P: Tensor) -> Tensor:
        order_V = error_P[self._valid_P].sort(descending=True).indices
        steps_V = self._steps(truth_P[self._valid_P][order_V])
        weight_P = torch.zeros_like(error_P)
        weight_P[self._valid_P] = torch.empty_like(steps_V).scatter_(0, order_V, steps_V)
        return weight_P

    def _by_numpy(self, error_P: Tensor, truth_P: Tensor) -> Tensor:
        """The bits of a float32, read as a whole number, rise with it (bytes: little end first).

        Those of a negative one fall, until all but its sign are turned over. The lower half of a
        key is 2 * place + truth; void pixels come last, and are not true.
        """
        keys_P, lower_P = self._keys_P, self._lower_P
        halves_P2 = keys_P.view(torch.int32).view(-1, 2)
        bits_P = error_P.contiguous().view(torch.int32)
        if not self._nonnegative:
            bits_P = bits_P ^ ((bits_P >> 31) & _LARGEST)
        halves_P2[:, 1] = torch.bitwise_not(bits_P, out=lower_P)
        halves_P2[:, 0] = lower_P.copy_(truth_P).add_(self._places_P)
        if not self._all_valid:
            keys_P.masked_scatter_(~self._valid_P, self._last_V)
        keys_P.numpy().sort()
        lower_P.copy_(halves_P2[:, 0])
        steps_P = self._steps(lower_P & 1)
        keys_P.copy_(lower_P.bitwise_right_shift_(1))
        weight_P = torch.empty_like(error_P).scatter_(0, keys_P, steps_P)
        return weight_P if self._all_valid else weight_P.mul_(self._valid_P)

    def _steps(self, truth_MP: Tensor) -> Tensor:
        """The weights in ranked order. A map without a true pixel puts everything on its first."""
        ramp_P = self._ramp_P[: truth_MP.shape[-1]]
        found_MP = truth_MP.cumsum(dim=-1, dtype=torch.int32).to(ramp_P.dtype)
        intersection_MP = found_MP[..., -1:] - found_MP
        less_MP = intersection_MP + ramp_P
        weight_MP = intersection_MP.addcmul_(truth_MP.to(ramp_P.dtype), ramp_P)
        # Where the union after the first pixel is one, that pixel weighs one, not 0 / 0.
        alone_M1 = less_MP[..., :1] == 0
        union_MP = less_MP + 1
        less_MP[..., :1].masked_fill_(alone_M1, 1.0)
        weight_MP /= union_MP.mul_(less_MP)
        weight_MP[..., :1].masked_fill_(alone_M1, 1.0)
        return weight_MP
