"""Which batch fits, from steps whose memory is a fixed part and a part for each image."""

import pytest

from trainables.training.batch_fit import (
    GIB,
    Fit,
    images_along,
    largest_batch,
    peak_along,
    short_on_cpu,
    size_of,
    too_large,
)


class Gpu:
    """A GPU on which a step takes ``fixed + each * batch`` bytes."""

    def __init__(self, fixed: int, each: int, room: int) -> None:
        self.fixed, self.each, self.room = fixed, each, room
        self.tried: list[int] = []

    def peak(self, batch: int) -> int | None:
        self.tried.append(batch)
        need = self.fixed + self.each * batch
        return need if need <= self.room else None


NEEDS = [(0, 10), (70, 1), (30, 3), (5, 33)]
"""The fixed part of a step, and that of an image."""
BATCHES = (2, 3, 7, 16, 64, 1000)


@pytest.mark.parametrize(
    ("fixed", "each", "batch"),
    [(*need, batch) for need in NEEDS for batch in BATCHES if need[0] + need[1] * batch > 100],
)
def test_what_is_named_was_run_and_one_more_does_not_fit(fixed: int, each: int, batch: int) -> None:
    gpu = Gpu(fixed, each, room=100)
    largest = (100 - fixed) // each
    fit = largest_batch(gpu.peak, batch, 100)
    assert fit.batch == largest
    assert fit.batch in gpu.tried
    assert len(gpu.tried) <= 2 + 3 + batch.bit_length()
    if fit.needed is not None:
        assert fit.needed == fixed + each * batch


def test_a_network_that_no_image_fits_beside_names_none() -> None:
    assert largest_batch(Gpu(200, 1, room=100).peak, 16, 100) == Fit(0, 0, None)


def test_a_line_that_falls_still_names_only_what_was_run() -> None:
    """An allocator may give a larger batch a smaller peak."""
    peaks: dict[int, int | None] = {8: 50, 4: 60, 12: None, 10: 55, 11: None}
    assert largest_batch(peaks.__getitem__, 16, 100).batch == 10
    assert images_along([(8, 50), (4, 60)], 100) is None
    assert peak_along([(8, 50), (4, 60)], 16) == 50


def test_the_line_names_the_figures() -> None:
    fit = Fit(13, int(19.81 * GIB), int(23.92 * GIB))
    assert too_large(16, "512x1024", fit, 20 * GIB) == (
        "batch 16 of 512x1024 needs about 23.9 GiB of 20.0 GiB of GPU memory; batch 13 fits "
        "(19.8 GiB, measured)"
    )
    assert "; no smaller batch fits" in too_large(16, "512x1024", Fit(0, 0, None), 20 * GIB)
    assert "smaller crops" in too_large(1, "512x1024", Fit(0, 0, None), 20 * GIB)


def test_a_machine_s_memory_promises_no_batch() -> None:
    flat = {"batch": 8, "data/height": 512, "data/width": 1024, "data/crop_height": 0}
    assert size_of(flat) == "512x1024"
    assert size_of({**flat, "data/crop_height": 96, "data/crop_width": 128}) == "96x128"
    assert size_of({}) == "images of their own size"
    assert "batch 4 takes about half (--on-oom halve)" in short_on_cpu(flat)
    assert "batch 0" not in short_on_cpu({**flat, "batch": 1})
