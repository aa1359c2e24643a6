"""Writes the shader of one pass: of a fused run of pointwise stages, or one sweep of a stage that reads around.

Images are planes of float32 in storage buffers, one after the other, each row by row. A stage's parameters are a struct
written from its declaration, in its order, bound as read-only storage: float32 without padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from driftlab.gpu.prelude import PRELUDE
from driftlab.isp.stage import Pass, Passes, Point, Sensor, Stage

__all__ = ["GROUP", "Code", "Source", "crop", "display", "fused", "luma", "sweep"]

#: Pixels that one workgroup takes, across and down.
GROUP = (32, 2)

#: What `crop` and `display` are told: the region in pixels of the image, and the size of the canvas.
CANVAS = ("left", "top", "width", "height", "columns", "rows")

_ENTRY = f"""
@compute @workgroup_size({GROUP[0]}, {GROUP[1]}) fn main(@builtin(global_invocation_id) id: vec3u) {{{{
    {{body}}
}}}}"""
_VECTORS = {1: "f32", 2: "vec2f", 3: "vec3f", 4: "vec4f"}


@dataclass(frozen=True, slots=True)
class Code:
    """A shader, and how many buffers it reads and writes beside the facts and the parameters."""

    text: str
    reads: int
    writes: int


@dataclass(frozen=True, slots=True)
class Source:
    """The image that a pass reads: its planes, and whether a changed luma is to be laid over its three colors."""

    planes: int
    luma: bool = False


def fused(source: Source, run: Sequence[tuple[Stage, Point]], sensor: Sensor) -> Code:
    """Every stage of `run` on every pixel in one pass; what each of them gives is kept."""
    functions, lines = [], [f"var x = {'load3(at)' if source.planes == 3 else 'load(at, 0)'};"]
    names = [f"given_by_{stage.name}" for stage, _ in run]
    for stage, point in run:
        kind = "f32" if point.each else "vec3f"
        plane = ", plane: i32" if point.each else ""
        functions.append(point.also)
        functions.append(
            f"fn stage_{stage.name}(x: {kind}, at: vec2i{plane}) -> {kind} {{\n{_let(stage)}{point.body}\n}}"
        )
        if point.each and source.planes == 3:
            calls = ", ".join(f"stage_{stage.name}(x[{k}], at, {k})" for k in range(3))
            lines.append(f"x = vec3f({calls});")
        else:
            lines.append(f"x = stage_{stage.name}(x, at{', 0' if point.each else ''});")
        lines += _stores(f"given_by_{stage.name}", "x", source.planes)
    inputs = _inputs(source)
    body = "\n    ".join(lines)
    parts = [_head([stage for stage, _ in run], inputs, names), _loads(source, sensor), *functions]
    return Code("\n".join((*parts, _main(body, 1, 1))), len(inputs), len(names))


def sweep(source: Source, stage: Stage, passes: Passes, number: int, sensor: Sensor) -> Code:
    """One pass of a stage that reads around."""
    this = passes.passes[number]
    inputs = _inputs(source)
    before = """
fn before_size() -> vec2i { return vec2i(0); }
fn before(at: vec2i, plane: i32) -> f32 { return 0.0; }"""
    if number:
        last = passes.passes[number - 1]
        inputs.append("given")
        before = f"""
fn before_size() -> vec2i {{ return {_extent(last)}; }}
fn before(at: vec2i, plane: i32) -> f32 {{
    let size = before_size();
    return given[(plane * size.y + at.y) * size.x + at.x];
}}"""
    kind = _VECTORS[this.gives]
    function = f"fn stage_{stage.name}(at: vec2i) -> {kind} {{\n{_let(stage)}{this.body}\n}}"
    lines = [f"let x = stage_{stage.name}(at);", *_stores("given_next", "x", this.gives)]
    parts = [_head([stage], inputs, ["given_next"]), _loads(source, sensor), before, passes.also, function]
    return Code("\n".join((*parts, _main("\n    ".join(lines), this.shrink, this.grid))), len(inputs), 1)


def luma(source: Source, sensor: Sensor) -> Code:
    """The luma of an RGB image."""
    lines = ["let x = luma_of(load3(at));", *_stores("out", "x", 1)]
    parts = [_head([], ["source"], ["out"]), _loads(source, sensor), _main("\n    ".join(lines), 1, 1)]
    return Code("\n".join(parts), 1, 1)


def display(source: Source, sensor: Sensor) -> Code:
    """A region of an image on a canvas, four bytes a pixel: the mean of what a pixel covers, or the nearest sample."""
    pixel = "load3(at)" if source.planes == 3 else "vec3f(load(at, 0))"
    inputs = _inputs(source)
    head = _head([], inputs, ["canvas"], CANVAS)
    text = f"""
fn pixel(at: vec2i) -> vec3f {{ return clamp({pixel}, vec3f(0.0), vec3f(1.0)); }}
fn mean_of(low: vec2f, high: vec2f) -> vec3f {{
    let first = clamped(vec2i(floor(low)));
    let last = clamped(vec2i(ceil(high)) - 1);
    var total = vec3f(0.0);
    var weight = 0.0;
    for (var y = first.y; y <= last.y; y++) {{
        for (var x = first.x; x <= last.x; x++) {{
            let covered = min(high, vec2f(f32(x + 1), f32(y + 1))) - max(low, vec2f(f32(x), f32(y)));
            let share = max(covered.x, 0.0) * max(covered.y, 0.0);
            total += share * pixel(vec2i(x, y));
            weight += share;
        }}
    }}
    return total / weight;
}}
@compute @workgroup_size({GROUP[0]}, {GROUP[1]}) fn main(@builtin(global_invocation_id) id: vec3u) {{
    let size = vec2i(i32(values.columns), i32(values.rows));
    let at = vec2i(id.xy);
    if (at.x >= size.x || at.y >= size.y) {{ return; }}
    let step = vec2f(values.width, values.height) / vec2f(size);
    let low = vec2f(values.left, values.top) + vec2f(at) * step;
    var rgb = vec3f(0.0);
    if (max(step.x, step.y) <= 1.0) {{
        rgb = pixel(clamped(vec2i(floor(low + 0.5 * step))));
    }} else {{
        rgb = mean_of(low, low + step);
    }}
    canvas[at.y * size.x + at.x] = pack4x8unorm(vec4f(rgb, 1.0));
}}"""
    text = head.replace("canvas: array<f32>", "canvas: array<u32>") + _loads(source, sensor) + text
    return Code(text, len(inputs), 1)


def crop(source: Source, sensor: Sensor) -> Code:
    """A region of an image as it is."""
    lines = [
        "let extent = vec2i(i32(values.width), i32(values.height));",
        "let at = vec2i(id.xy);",
        "if (at.x >= extent.x || at.y >= extent.y) { return; }",
        "let from_ = at + vec2i(i32(values.left), i32(values.top));",
        f"let x = {'load3(from_)' if source.planes == 3 else 'load(from_, 0)'};",
        *_stores("cropped", "x", source.planes),
    ]
    inputs, body = _inputs(source), "\n    ".join(lines)
    return Code(
        _head([], inputs, ["cropped"], CANVAS) + _loads(source, sensor) + _ENTRY.format(body=body), len(inputs), 1
    )


def _inputs(source: Source) -> list[str]:
    return ["source", "luma"] if source.luma else ["source"]


def _let(stage: Stage) -> str:
    return f"let p = values.{stage.name};\n" if stage.params else ""


def _head(
    stages: Sequence[Stage], inputs: Sequence[str], outputs: Sequence[str], numbers: Sequence[str] = ("none",)
) -> str:
    structs, fields = [], []
    for stage in stages:
        if stage.params:
            struct = "".join(word.title() for word in stage.name.split("_")) + "Values"
            structs.append(f"struct {struct} {{ {', '.join(f'{q.name}: f32' for q in stage.params)} }};")
            fields.append(f"{stage.name}: {struct}")
    bindings = [f"@group(0) @binding({2 + k}) var<storage, read> {name}: array<f32>;" for k, name in enumerate(inputs)]
    for k, name in enumerate(outputs, 2 + len(inputs)):
        bindings.append(f"@group(0) @binding({k}) var<storage, read_write> {name}: array<f32>;")
    values = f"struct Values {{ {', '.join(fields or (f'{name}: f32' for name in numbers))} }};"
    bound = "@group(0) @binding(1) var<storage, read> values: Values;"
    return "\n".join((PRELUDE, *structs, values, bound, *bindings))


def _loads(source: Source, sensor: Sensor) -> str:
    """Reading the source, and which of r, g1, g2, b a sample is."""
    text = """
fn load(at: vec2i, plane: i32) -> f32 {
    return source[(plane * facts.height + at.y) * facts.width + at.x];
}"""
    if source.planes == 3:
        rgb = "vec3f(load(at, 0), load(at, 1), load(at, 2))"
        joined = "rgb + (luma[at.y * facts.width + at.x] - luma_of(rgb))" if source.luma else "rgb"
        text += f"\nfn load3(at: vec2i) -> vec3f {{ let rgb = {rgb}; return {joined}; }}"
        return text + "\nfn site(at: vec2i, plane: i32) -> i32 { return select(plane, 3, plane == 2); }"
    return text + _site(sensor)


def _site(sensor: Sensor) -> str:
    """The color filter array at a place of the image, packed as sixteen sites a word."""
    kind = sensor.cfa.kind
    if kind == "mono":
        return "\nfn site(at: vec2i, plane: i32) -> i32 { return 1; }"
    # The image's own array begins at `origin`; the shader is written for the frame's, so that all tiles share it.
    tile = sensor.cfa.shifted(-sensor.origin[0], -sensor.origin[1]).channels()
    rows, columns = tile.shape
    flat = tile.ravel().tolist()
    words = [sum(s << (2 * k) for k, s in enumerate(flat[n : n + 16])) for n in range(0, len(flat), 16)]
    choose = "".join(f" word = select(word, {w}u, (k >> 4) == {n});" for n, w in enumerate(words[1:], 1))
    return f"""
fn site(at: vec2i, plane: i32) -> i32 {{
    let row = u32(at.y + facts.top + {rows << 10}) % {rows}u;
    let column = u32(at.x + facts.left + {columns << 10}) % {columns}u;
    let k = row * {columns}u + column;
    var word = {words[0]}u;{choose}
    return i32((word >> (2u * (k & 15u))) & 3u);
}}
// 0, 1, 2 for red, green, blue.
fn color(at: vec2i) -> i32 {{ let s = site(at, 0); return (s + 1) >> 1; }}"""


def _stores(name: str, value: str, planes: int) -> list[str]:
    if planes == 1:
        return [f"{name}[at.y * extent.x + at.x] = {value};"]
    return [f"{name}[({k} * extent.y + at.y) * extent.x + at.x] = {value}[{k}];" for k in range(planes)]


def _extent(this: Pass) -> str:
    size = "vec2i(facts.width, facts.height)"
    size = f"{size} / {this.shrink}" if this.shrink > 1 else size
    return f"({size} + {this.grid - 1}) / {this.grid} * {this.grid}" if this.grid > 1 else size


def _main(body: str, shrink: int, grid: int) -> str:
    lines = [
        f"let extent = {_extent(Pass('', 1, shrink, grid))};",
        "let at = vec2i(id.xy);",
        "if (at.x >= extent.x || at.y >= extent.y) { return; }",
        body,
    ]
    return _ENTRY.format(body="\n    ".join(lines))
