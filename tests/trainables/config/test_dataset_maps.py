"""The maps that a dataset is said to have are those that its layout reads."""

from trainables.config import DataConfig
from trainables.config.dataset_maps import MAPS, maps_of
from trainables.data import LAYOUTS
from trainables.data.layouts import nyud_mt, pascal_mt, shapes


def test_the_table_has_the_layouts_maps() -> None:
    assert set(MAPS) <= set(LAYOUTS)
    assert set(shapes.layout(DataConfig()).targets) == set(MAPS["shapes"])
    assert set(nyud_mt.MAPS) == set(MAPS["nyud_mt"])
    assert set(pascal_mt.MAPS) == set(MAPS["pascal_mt"])


def test_another_dataset_has_none_and_a_plug_ins_may_have_any() -> None:
    assert maps_of("camvid", plugin=False) == ()
    assert "depth" in maps_of("mine", plugin=True)
    assert "saliency" not in maps_of("nyuv2", plugin=True)
