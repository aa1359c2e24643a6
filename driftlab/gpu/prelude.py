"""What every shader begins with: the facts of the frame, places beyond the border, and exact elementary functions.

Drivers differ in how well they compute logarithms and cosines (WGSL leaves them much room), and noise must be the same
everywhere: those that a picture depends on are written out.
"""

from __future__ import annotations

from typing import Final

__all__ = ["FACTS", "PRELUDE"]

#: Words of `Facts`, each four bytes: six integers, then five numbers.
FACTS: Final = "iiiiiifffff"

PRELUDE: Final = """
struct Facts {
    width: i32, height: i32,              // of the image that the shader reads
    top: i32, left: i32,                  // where the mosaic's first sample lies in the frame
    frame_height: i32, frame_width: i32,
    white: f32,
    black: array<f32, 4>,                 // r, g1, g2, b
};
@group(0) @binding(0) var<storage, read> facts: Facts;

const TURN = 6.283185307179586;

fn inside(at: vec2i) -> bool {
    return all(at >= vec2i(0)) && at.x < facts.width && at.y < facts.height;
}

// The remainder of dividing by a period; in numbers, as integer division is slow on many adapters. Half a step keeps
// the quotient off whole numbers, where a driver's rounding would tell.
fn phase_of(at: i32, period: i32) -> i32 {
    return at - period * i32(floor((f32(at) + 0.5) / f32(period)));
}

// Mirrored without repeating the edge, as often as it takes.
fn mirrored_along(at: i32, size: i32) -> i32 {
    let period = max(2 * size - 2, 1);
    let phase = phase_of(at, period);
    return min(phase, period - phase) * i32(size > 1);
}

fn mirrored(at: vec2i) -> vec2i {
    return vec2i(mirrored_along(at.x, facts.width), mirrored_along(at.y, facts.height));
}

// Mirrored with the edge repeated.
fn repeated_along(at: i32, size: i32) -> i32 {
    let phase = phase_of(at, 2 * size);
    return min(phase, 2 * size - 1 - phase);
}

fn repeated(at: vec2i) -> vec2i {
    return vec2i(repeated_along(at.x, facts.width), repeated_along(at.y, facts.height));
}

fn clamped(at: vec2i) -> vec2i {
    return clamp(at, vec2i(0), vec2i(facts.width, facts.height) - 1);
}

fn luma_of(rgb: vec3f) -> f32 {
    return 0.299 * rgb.r + 0.587 * rgb.g + 0.114 * rgb.b;
}

// 1 for one of the three colors, 0 for the others.
fn only(color: i32) -> vec3f {
    return select(vec3f(0.0), vec3f(1.0), vec3i(color) == vec3i(0, 1, 2));
}

// The value for one of r, g1, g2, b.
fn of_site(site: i32, r: f32, g1: f32, g2: f32, b: f32) -> f32 {
    return select(select(g2, b, site == 3), select(r, g1, site == 1), site < 2);
}

// Natural logarithm of a positive, normal number, to 1e-7 of itself also near 1 (Cephes' logf, S. L. Moshier).
fn ln(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    var exponent = f32(i32(bits >> 23u) - 126);
    var m = bitcast<f32>((bits & 0x7fffffu) | 0x3f000000u);
    if (m < 0.70710678) { exponent -= 1.0; m = m + m; }
    m -= 1.0;
    let z = m * m;
    var y = 7.0376836292e-2;
    y = y * m - 1.1514610310e-1;
    y = y * m + 1.1676998740e-1;
    y = y * m - 1.2420140846e-1;
    y = y * m + 1.4249322787e-1;
    y = y * m - 1.6668057665e-1;
    y = y * m + 2.0000714765e-1;
    y = y * m - 2.4999993993e-1;
    y = y * m + 3.3333331174e-1;
    y = y * m * z - 2.12194440e-4 * exponent - 0.5 * z;
    return m + y + 0.693359375 * exponent;
}

// Cosine of so many turns, 0 to 1 (Cephes' sinf and cosf).
fn cosine_of_turns(turns: f32) -> f32 {
    let quarters = round(turns * 4.0);
    let x = (turns - quarters * 0.25) * TURN;
    let z = x * x;
    let sine = ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1) * z * x + x;
    let cosine = ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) * z * z - 0.5 * z + 1.0;
    let quadrant = i32(quarters) & 3;
    let value = select(cosine, sine, (quadrant & 1) == 1);
    return select(value, -value, quadrant == 1 || quadrant == 2);
}

// A power of a number that is not negative.
fn power(base: f32, exponent: f32) -> f32 {
    return select(pow(base, exponent), 0.0, base <= 0.0);
}
"""
