"""What the parameters of the public code's STM are called, and here (seoungwugoh/STM @ 905f114)."""

from collections.abc import Iterator


def _encoder(theirs: str, ours: str) -> Iterator[tuple[str, str]]:
    body = f"{ours}.backbone.body"
    yield f"{theirs}.bn1", f"{body}.bn1"
    for number in (1, 2, 3):
        yield f"{theirs}.res{number + 1}", f"{body}.layer{number}"


def _residual(theirs: str, ours: str) -> Iterator[tuple[str, str]]:
    yield f"{theirs}.conv1", f"{ours}.first"
    yield f"{theirs}.conv2", f"{ours}.second"


def _decoder() -> Iterator[tuple[str, str]]:
    yield "Decoder.convFM", "decoder.narrow"
    yield from _residual("Decoder.ResMM", "decoder.residual")
    for theirs, ours in (("Decoder.RF3", "decoder.refine.0"), ("Decoder.RF2", "decoder.refine.1")):
        yield f"{theirs}.convFS", f"{ours}.skip"
        yield from _residual(f"{theirs}.ResFS", f"{ours}.skip_residual")
        yield from _residual(f"{theirs}.ResMM", f"{ours}.residual")
    yield "Decoder.pred2", "classifier"


def _names() -> Iterator[tuple[str, str]]:
    yield from _encoder("Encoder_Q", "query_encoder")
    yield "Encoder_Q.conv1", "query_encoder.backbone.body.conv1"
    yield from _encoder("Encoder_M", "memory_encoder")
    for theirs, ours in (("conv1", "image"), ("conv1_m", "object"), ("conv1_o", "others")):
        yield f"Encoder_M.{theirs}", f"memory_encoder.backbone.body.conv1.{ours}"
    for theirs, ours in (("KV_Q_r4", "query_key_value"), ("KV_M_r4", "memory_key_value")):
        yield f"{theirs}.Key", f"{ours}.key"
        yield f"{theirs}.Value", f"{ours}.value"
    yield from _decoder()


NAMES = dict(_names())
"""By module of theirs, the module here."""
