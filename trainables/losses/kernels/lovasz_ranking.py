"""The weight of each pixel's error in the Lovasz extension of the Jaccard loss.

Shape letters: M maps, each ranked separately, P pixels of a map, V valid ones, G true ones.
"""

import numpy as np
import torch
from torch import Tensor

from trainables.geometry.boundaries import Variant
from trainables.geometry.device import on_cpu

_LARGEST = 2**31 - 1
_EXACT_IN_FLOAT32 = 2**24
_PLACES = 2**30


class Ranking:
    """Ranks the pixels of maps by error; holds what all maps of a group share."""

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
            valid_P: bool; invalid pixels are not ranked, and have no weight.
            dtype: of the errors.
            variant: "released" leaves the order of equal errors to ``torch.sort``, as the authors'
                code does: the derivative is not unique at equal errors, and theirs differs.
            nonnegative: no error is below zero, which saves a step.
        """
        self._valid_P = valid_P
        self._variant = variant
        self._nonnegative = nonnegative
        self._on_cpu = on_cpu(valid_P)
        self._all_valid = self._on_cpu and bool(valid_P.all())
        self._packs = (
            self._on_cpu
            and dtype == torch.float32
            and variant == "paper"
            and len(valid_P) < _PLACES  # index and truth share 32 bits of a key
        )
        # Ranks are divided as floats, and float32 holds integers only up to 2**24.
        exact = dtype if len(valid_P) < _EXACT_IN_FLOAT32 else torch.float64
        self._ramp_P = torch.arange(len(valid_P), dtype=exact, device=valid_P.device)

    def weights(self, error_MP: Tensor, truth_MP: Tensor) -> Tensor:
        """(M,P): the derivative of the Lovasz extension by each error; 0 at void pixels.

        ``truth_MP`` is 1 or 0, of the errors' type: comparing floats with floats is four times as
        fast here as making a mask of bool.

        Pixels are ranked by descending error, equal errors by index. With the union U after a pixel
        and the intersection I after it, a true pixel weighs 1 / U and a false one I / (U (U - 1)).
        These are the steps of 1 - I / U (Algorithm 1 of Berman et al.) without the cancellation of
        differences. Both are (I + rank * truth) / (U (U - 1)), with ranks from zero.

        On a CPU, float32 errors are packed with index and truth into integers, which numpy sorts
        twenty times as fast as torch sorts pairs; pixels whose weight is zero are left out. A GPU
        sorts all maps together, void pixels last: to select others, the host would wait.
        """
        if not self._on_cpu or (not self._packs and self._variant == "paper"):
            return self._by_torch(error_MP, truth_MP)
        one_map = self._by_numpy if self._packs else self._as_released
        rows = [one_map(*row) for row in zip(error_MP, truth_MP, strict=True)]
        return rows[0].unsqueeze(0) if len(rows) == 1 else torch.stack(rows)

    def _by_torch(self, error_MP: Tensor, truth_MP: Tensor) -> Tensor:
        # Void pixels are ranked last, where their weight does not change that of others.
        last_MP = error_MP.masked_fill(~self._valid_P, float("-inf"))
        stable = self._variant == "paper"
        order_MP = last_MP.sort(dim=1, descending=True, stable=stable).indices
        weight_MP = self._steps((truth_MP * self._valid_P).gather(1, order_MP))
        return torch.zeros_like(error_MP).scatter_(1, order_MP, weight_MP).mul_(self._valid_P)

    def _as_released(self, error_P: Tensor, truth_P: Tensor) -> Tensor:
        order_V = error_P[self._valid_P].sort(descending=True).indices
        steps_V = self._steps(truth_P[self._valid_P][order_V])
        weight_P = torch.zeros_like(error_P)
        weight_P[self._valid_P] = torch.empty_like(steps_V).scatter_(0, order_V, steps_V)
        return weight_P

    def _by_numpy(self, error_P: Tensor, truth_P: Tensor) -> Tensor:
        """Weights of one map, by integer keys: the inverted error, then 2 * index + truth.

        The bits of a non-negative float32, read as an integer, are ordered as the numbers are;
        those of a negative one are in reverse order, until all but the sign bit are inverted.
        """
        true_P = truth_P.numpy() > 0
        place_V = self._ranked(error_P.numpy(), true_P)
        bits_V = error_P.numpy()[place_V].view(np.int32)
        if not self._nonnegative:
            bits_V ^= (bits_V >> 31) & _LARGEST
        lower_V = place_V.astype(np.int32)
        lower_V <<= 1
        lower_V |= true_P[place_V]
        keys_V = np.invert(bits_V, out=bits_V).astype(np.int64)
        keys_V <<= 32
        keys_V |= lower_V
        keys_V.sort()
        lower_V = keys_V.astype(np.int32)  # drops the upper half
        steps_V = self._steps(torch.from_numpy(lower_V & 1))
        places_V = torch.from_numpy((lower_V >> 1).astype(np.int64))
        return torch.zeros_like(error_P).scatter_(0, places_V, steps_V.to(error_P.dtype))

    def _ranked(self, error_P: np.ndarray, true_P: np.ndarray) -> np.ndarray:
        """Indices of the pixels whose weight can differ from zero.

        After the last true pixel the intersection is empty, so pixels of smaller error have no
        weight. Without a true pixel, the one with the largest error weighs one.
        """
        true_G = np.flatnonzero(true_P)
        if len(true_G):
            kept_P = error_P >= error_P[true_G].min()
        else:
            worst = error_P.max(initial=-np.inf, where=self._valid_P.numpy())
            kept_P = error_P >= worst
        if not self._all_valid:
            kept_P &= self._valid_P.numpy()
        return np.flatnonzero(kept_P)

    def _steps(self, truth_MP: Tensor) -> Tensor:
        """The weights in ranked order; without a true pixel, the first weighs one."""
        ramp_P = self._ramp_P[: truth_MP.shape[-1]]
        found_MP = truth_MP.cumsum(dim=-1, dtype=torch.int32).to(ramp_P.dtype)
        intersection_MP = found_MP[..., -1:] - found_MP
        less_MP = intersection_MP + ramp_P
        weight_MP = intersection_MP.addcmul_(truth_MP.to(ramp_P.dtype), ramp_P)
        # If the union after the first pixel is one, that pixel weighs one, not 0 / 0.
        alone_M1 = less_MP[..., :1] == 0
        union_MP = less_MP + 1
        less_MP[..., :1].masked_fill_(alone_M1, 1.0)
        weight_MP /= union_MP.mul_(less_MP)
        weight_MP[..., :1].masked_fill_(alone_M1, 1.0)
        return weight_MP
