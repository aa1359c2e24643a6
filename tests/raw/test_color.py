"""DNG colors against cases computed by hand, and against matrices put together in another way."""

from __future__ import annotations

import numpy as np
import pytest

from driftlab.raw.color import dng_matrix, gains_of, gray_world, libraw_matrix, temperature
from driftlab.raw.frame import CFA
from driftlab.raw.tags import Tags

# A camera under tungsten and in daylight (XYZ to camera), as in any DNG of the Nikon D500.
WARM = np.array([[0.9376, -0.4139, -0.0394], [-0.4687, 1.2495, 0.2454], [-0.0699, 0.1362, 0.6773]])
COLD = np.array([[0.8813, -0.3210, -0.1036], [-0.4703, 1.2868, 0.2021], [-0.1054, 0.1940, 0.6129]])
FORWARD = np.array([[0.5047, 0.3294, 0.1302], [0.2828, 0.6752, 0.0420], [0.1678, 0.0010, 0.6563]])
SRGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
A, D65 = (0.44757, 0.40745), (0.31271, 0.32902)


def xyz(x, y):
    return np.array([x / y, 1.0, (1 - x - y) / y])


def tags(**values):
    """Tags by name."""
    codes = {"light1": 50778, "light2": 50779, "color1": 50721, "color2": 50722, "camera1": 50723, "camera2": 50724,
             "forward1": 50964, "forward2": 50965, "balance": 50727, "light3": 52529, "color3": 52531,
             "signed": 50931, "profile": 50932}  # fmt: skip
    plain = {name: tuple(np.ravel(value)) if isinstance(value, np.ndarray) else value for name, value in values.items()}
    return Tags({codes[name]: value for name, value in plain.items()})


def single(color, neutral):
    return np.array(dng_matrix(tags(light1=21, color1=color), neutral).values)


@pytest.mark.parametrize(
    ("x", "y", "kelvin"),
    [(0.44757, 0.40745, 2856), (0.34567, 0.35850, 5003), (0.31271, 0.32902, 6504), (0.29902, 0.31485, 7504)],
)
def test_temperature_of_the_standard_illuminants(x, y, kelvin):
    assert temperature(x, y) == pytest.approx(kelvin, rel=5e-3)


def test_temperature_never_leaves_its_range():
    for x, y in [(0.7, 0.25), (0.2, 0.1), (0.1, 0.8), (0.25, 0.25), (0.55, 0.4)]:
        assert 1666 < temperature(x, y) <= 1e5


def test_one_matrix_in_its_own_light_is_the_plain_product():
    """In D65 nothing is adapted: camera to XYZ, then to sRGB."""
    neutral = COLD @ xyz(*D65)
    expected = np.linalg.inv(SRGB) @ np.linalg.inv(COLD) @ np.diag(neutral)
    assert np.allclose(single(COLD, neutral), expected / expected.sum(axis=1, keepdims=True), atol=2e-4)


def test_rows_sum_to_one():
    for light in (A, D65, (0.38, 0.38)):
        matrix = dng_matrix(tags(light1=17, light2=21, color1=WARM, color2=COLD), WARM @ xyz(*light))
        assert np.allclose(np.sum(matrix.values, axis=1), 1)


def test_two_illuminants_are_themselves_at_the_ends_and_held_beyond():
    both = tags(light1=17, light2=21, color1=WARM, color2=COLD)
    for color, light in ((WARM, A), (COLD, D65), (WARM, (0.52, 0.41)), (COLD, (0.26, 0.26))):
        neutral = color @ xyz(*light)
        assert np.allclose(dng_matrix(both, neutral).values, single(color, neutral), atol=5e-3)
    beyond = COLD @ xyz(0.26, 0.26)
    assert np.allclose(dng_matrix(both, beyond).values, single(COLD, beyond), atol=1e-9)


def test_the_order_of_the_illuminants_does_not_matter():
    neutral = COLD @ xyz(0.37, 0.37)
    one = dng_matrix(tags(light1=17, light2=21, color1=WARM, color2=COLD), neutral)
    other = dng_matrix(tags(light1=21, light2=17, color1=COLD, color2=WARM), neutral)
    assert np.allclose(one.values, other.values, atol=1e-12)


def test_interpolation_is_linear_in_reciprocal_temperature():
    """Two forward matrices that differ in one number only: that number tells the weight."""
    step = np.zeros((3, 3))
    step[0] = 0.2, -0.2, 0.0
    both = tags(light1=17, light2=21, color1=COLD, color2=COLD, forward1=FORWARD, forward2=FORWARD + step)
    flat = tags(light1=21, color1=COLD, forward1=FORWARD)
    full = tags(light1=21, color1=COLD, forward1=FORWARD + step)
    weights = []
    for kelvin, light in ((2856, A), (3500, (0.4053, 0.3907)), (4500, (0.3608, 0.3636)), (6504, D65)):
        neutral = COLD @ xyz(*light)
        low, high, mixed = (np.array(dng_matrix(each, neutral).values) for each in (flat, full, both))
        weight = (mixed - low)[0, 0] / (high - low)[0, 0]
        expected = (1 / 2850 - 1 / kelvin) / (1 / 2850 - 1 / 6500)
        assert weight == pytest.approx(np.clip(expected, 0, 1), abs=0.02)
        weights.append(weight)
    assert weights == sorted(weights)


def test_a_third_illuminant_lies_between():
    middle = (WARM + COLD) / 2 + 0.01
    three = tags(light1=17, light2=21, light3=23, color1=WARM, color2=COLD, color3=middle)
    neutral = middle @ xyz(0.34567, 0.35850)
    assert np.allclose(dng_matrix(three, neutral).values, single(middle, neutral), atol=2e-3)


def test_forward_matrices_are_preferred_and_keep_white():
    """Forward matrix by the book: gray goes to the D50 white, and colors by FM over the neutral."""
    neutral = np.array([0.44, 1.0, 0.65])
    matrix = dng_matrix(tags(light1=21, color1=COLD, forward1=FORWARD), neutral)
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    cones = np.diag((bradford @ xyz(*D65)) / (bradford @ xyz(0.34567, 0.35850)))
    expected = np.linalg.inv(SRGB) @ np.linalg.inv(bradford) @ cones @ bradford @ FORWARD
    assert np.allclose(matrix.values, expected / expected.sum(axis=1, keepdims=True), atol=2e-4)
    assert "forward" in matrix.source


def test_this_body_and_its_gains_count_only_when_signed():
    body, balance = np.diag([1.1, 1.0, 0.9]), np.array([0.8, 1.0, 1.3])
    neutral = np.diag(balance) @ body @ COLD @ xyz(*D65)
    plain = {"light1": 21, "color1": COLD, "camera1": body, "balance": balance}
    whole = single(COLD, COLD @ xyz(*D65))
    assert np.allclose(dng_matrix(tags(**plain), neutral).values, whole, atol=1e-6)
    foreign = dng_matrix(tags(**plain, signed="a", profile="b"), neutral)
    assert not np.allclose(foreign.values, whole, atol=1e-3)


@pytest.mark.parametrize("values", [{}, {"color1": np.zeros((3, 3))}, {"color1": np.ones((3, 3))}, {"color1": (1.0,)}])
def test_unusable_tags_are_no_matrix(values):
    assert dng_matrix(tags(**values), (0.5, 1.0, 0.5)) is None


def test_libraw_table_matrix_against_the_usual_recipe():
    from_xyz = np.vstack([COLD, np.zeros(3)])
    camera = COLD @ SRGB
    expected = np.linalg.inv(camera / camera.sum(axis=1, keepdims=True))
    assert np.allclose(libraw_matrix(from_xyz, np.zeros((3, 4))).values, expected, atol=1e-6)
    assert libraw_matrix(np.zeros((4, 3)), np.zeros((3, 4))) is None
    to_srgb = np.hstack([expected * 2, np.zeros((3, 1))])
    assert np.allclose(libraw_matrix(np.zeros((4, 3)), to_srgb).values, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("multipliers", "gains"),
    [
        ([1964.0, 1015.0, 1544.0, 1015.0], (1964 / 1015, 1, 1544 / 1015)),
        ([2.27, 1.0, 1.53, 0.0], (2.27, 1, 1.53)),
        ([1.0, 1.0, 1.0, 1.0], (1, 1, 1)),
        ([2.0, 0.9, 1.0, 1.1], (2, 1, 1)),
        ([0.0, 1.0, 0.0, 0.0], None),
        ([-1.0, 256.0, 300.0, 256.0], None),
        ([1.0, 0.0, 1.0, 0.0], None),
        ([float("nan"), 1.0, 1.0, 1.0], None),
        ([2.0, 1.0, 1e6, 1.0], None),
    ],
)
def test_gains(multipliers, gains):
    assert gains_of(multipliers) == (gains and pytest.approx(gains))


@pytest.mark.parametrize("name", ["RGGB", "GBRG", "xtrans", "quad-BGGR"])
def test_gray_world_finds_planted_gains(name):
    cfa = CFA.parse(name)
    colors = cfa.colors()
    tiled = np.tile(colors, (6, 6))
    samples = 100 + np.array([200.0, 400.0, 250.0])[tiled]
    samples[0, 0] = 4095  # saturated: not gray, not counted
    assert gray_world(samples[None], cfa, (100,) * 4, 4095) == pytest.approx((2.0, 1.0, 1.6))
