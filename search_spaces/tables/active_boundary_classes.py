"""Active Boundary Loss's class-wise Tables 5 and 6 (Wang et al., AAAI 2022), in percent."""

from collections.abc import Mapping

from search_spaces.tables.active_boundary_setups import DEEPLAB, OCR

CELLS = ("CE", "+ SegFix", "+ IABL")
METRICS = ("boundary_f_davis_1px", "boundary_f_davis_3px", "boundary_f_davis_5px")

_TABLE5 = """
road           98.4  98.5  98.1  98.4  98.5  98.3
sidewalk       86.5  87.1  84.9  86.8  87.3  86.7
building       93.1  93.5  93.1  93.3  93.5  93.6
wall           63.9  64.6  59.9  62.2  62.6  63.9
fence          62.6  63.1  63.1  66.0  66.4  64.9
pole           66.1  69.0  68.3  70.0  71.4  70.2
traffic light  72.2  74.9  75.4  73.9  75.7  76.9
traffic sign   80.0  82.4  82.3  82.0  83.3  83.2
vegetation     92.8  93.2  92.7  93.0  93.3  93.2
terrain        66.3  66.7  64.6  67.2  67.6  69.0
sky            95.0  95.3  95.0  95.0  95.3  95.3
person         83.3  84.9  84.6  84.3  85.2  85.6
rider          65.5  66.9  69.4  66.3  67.2  70.7
car            95.3  95.8  95.6  95.6  96.0  96.0
truck          74.5  75.0  79.9  82.9  83.3  80.0
bus            89.0  89.6  87.8  91.7  92.2  93.3
train          80.0  80.7  83.3  85.0  85.5  86.6
motorcycle     67.4  68.4  70.6  67.7  68.6  69.3
bicycle        78.4  79.7  80.2  79.2  80.0  80.8
"""
"""IoU by class: ``CELLS`` with DeepLabV3, then with OCR."""

_TABLE6 = """
road           74.1  86.5  90.3  76.0  87.2  90.6  74.6  86.2  89.8
sidewalk       50.2  70.1  76.4  52.6  71.0  76.9  51.0  70.1  76.4
building       57.2  75.7  82.3  59.3  76.4  82.5  57.4  75.4  81.8
wall           56.8  62.5  65.0  58.1  63.0  65.1  53.7  59.4  61.7
fence          54.6  60.1  62.9  55.5  60.7  63.0  50.8  56.3  58.6
pole           61.0  79.6  82.8  64.2  79.7  82.6  62.1  80.7  83.8
traffic light  64.8  77.8  81.7  67.8  78.5  81.8  74.7  86.9  89.9
traffic sign   60.6  78.9  82.6  64.1  79.3  82.3  65.1  81.9  84.9
vegetation     55.6  76.4  84.4  57.7  77.3  84.6  55.7  76.5  84.3
terrain        51.3  58.6  62.1  52.9  60.0  63.1  52.3  60.1  63.3
sky            65.7  82.9  88.1  67.1  83.5  88.2  66.8  84.1  89.1
person         56.3  73.9  78.9  59.3  74.5  78.7  60.1  77.6  82.2
rider          65.9  76.7  80.8  67.6  77.4  81.1  68.9  80.4  84.1
car            64.7  84.6  89.5  68.7  85.9  90.1  67.0  86.1  90.6
truck          84.3  86.5  87.5  84.7  86.6  87.3  84.6  87.2  88.1
bus            89.8  92.8  93.7  89.8  92.3  93.1  90.3  93.2  94.0
train          96.8  97.4  97.7  97.0  97.5  97.7  96.4  97.0  97.2
motorcycle     77.3  80.4  81.9  78.4  81.1  82.3  79.5  83.1  84.6
bicycle        56.1  71.3  77.7  58.6  72.3  77.8  61.5  76.9  82.5
"""
"""Boundary F by class: ``METRICS`` of each of ``CELLS`` in turn."""


def _columns(table: str) -> list[dict[str, float]]:
    """The columns of a table in percent, each as fractions by class."""
    lines = [line.split() for line in table.strip().splitlines()]
    width = sum(word[0].isdigit() for word in lines[0])
    names = [" ".join(words[:-width]) for words in lines]
    return [
        {
            name: round(float(words[place]) / 100, 5)
            for name, words in zip(names, lines, strict=True)
        }
        for place in range(-width, 0)
    ]


_IOU, _F = _columns(_TABLE5), _columns(_TABLE6)

CLASS_IOU: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    DEEPLAB.name: dict(zip(CELLS, _IOU[:3], strict=True)),
    OCR.name: dict(zip(CELLS, _IOU[3:], strict=True)),
}
"""Table 5: setup -> cell -> class -> IoU."""

CLASS_F: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    cell: dict(zip(METRICS, _F[3 * place : 3 * place + 3], strict=True))
    for place, cell in enumerate(CELLS)
}
"""Table 6: cell -> metric -> class -> boundary F."""
