"""The programs that run on the graphics device, real or in software.

Each exists twice: drawing colours (premultiplied by their opacity), and, with `TRUTH`, writing the
number of the thing and its depth in metres. With `OVER`, what lies behind the standing store's
depth is left out: so moving things are drawn over a finished picture of the store.
"""

from __future__ import annotations

_HEAD = "#version 330\n"

_FRAGMENT = """
#ifdef TRUTH
layout(location = 0) out vec2 out_truth;
#else
layout(location = 0) out vec4 out_colour;
#endif
#ifdef OVER
uniform sampler2D behind;
void cut() {
    float limit = texelFetch(behind, ivec2(gl_FragCoord.xy), 0).g;
    if (1.0 / gl_FragCoord.w > limit + 0.004) discard;
}
#else
void cut() {}
#endif
float daylight(vec3 n) {
    return 0.36 + 0.64 * (0.5 + 0.5 * n.z) + 0.05 * n.x - 0.03 * n.y;
}
void give(vec3 colour, float number) {
#ifdef TRUTH
    out_truth = vec2(number, 1.0 / gl_FragCoord.w);
#else
    out_colour = vec4(colour, 1.0);
#endif
}
"""

THING_VERTEX = """
uniform mat4 to_clip;
in vec3 in_position; in vec3 in_normal; in vec2 in_uv;
in vec4 in_row_x; in vec4 in_row_y; in vec4 in_row_z; in vec4 in_extra;
out vec3 normal; out vec3 uv; out float shade; flat out float number;
void main() {
    vec4 p = vec4(in_position, 1.0);
    vec3 world = vec3(dot(in_row_x, p), dot(in_row_y, p), dot(in_row_z, p));
    normal = vec3(dot(in_row_x.xyz, in_normal), dot(in_row_y.xyz, in_normal),
                  dot(in_row_z.xyz, in_normal));
    uv = vec3(in_uv, in_extra.x);
    shade = in_extra.y * mix(in_extra.z, 1.0, smoothstep(0.0, 0.06, in_position.z));
    number = in_extra.w;
    gl_Position = to_clip * vec4(world, 1.0);
}
"""
"""Units of products: `in_row_*` the pose, `in_extra` layer, light, light at the foot, number."""

THING_FRAGMENT = """
uniform sampler2DArray labels;
in vec3 normal; in vec3 uv; in float shade; flat in float number;
void main() {
    cut();
    give(texture(labels, uv).rgb * shade * daylight(normalize(normal)), number);
}
"""

STORE_VERTEX = """
uniform mat4 to_clip;
in vec3 in_position; in vec3 in_normal; in vec3 in_colour; in vec3 in_surface;
out vec3 normal; out vec3 colour; out vec2 uv; flat out float surface;
void main() {
    normal = in_normal; colour = in_colour; uv = in_surface.xy; surface = in_surface.z;
    gl_Position = to_clip * vec4(in_position, 1.0);
}
"""
"""What is built in: `in_surface` texture place and 0 for none, 1 for tiles, 2 for price strips."""

STORE_FRAGMENT = """
uniform sampler2D tiles; uniform sampler2D signs;
in vec3 normal; in vec3 colour; in vec2 uv; flat in float surface;
void main() {
    cut();
    vec3 c = colour * daylight(normalize(normal));
    if (surface > 1.5) c *= texture(signs, uv).rgb;
    else if (surface > 0.5) c *= texture(tiles, uv).rgb;
    give(c, 0.0);
}
"""

GLASS_VERTEX = """
uniform mat4 to_clip; uniform mat4 pose;
in vec3 in_position; in vec3 in_normal;
out vec3 normal;
void main() {
    normal = mat3(pose) * in_normal;
    gl_Position = to_clip * pose * vec4(in_position, 1.0);
}
"""

GLASS_FRAGMENT = """
uniform vec4 tint;
in vec3 normal;
void main() {
    cut();
#ifdef TRUTH
    give(vec3(0.0), 0.0);
#else
    out_colour = vec4(tint.rgb * daylight(normalize(normal)) * tint.a, tint.a);
#endif
}
"""
"""A part of a door: opaque or see-through by the tint's last value."""

SHADOW_VERTEX = """
uniform mat4 to_clip; uniform vec4 spot;
in vec2 in_corner;
out vec2 corner;
void main() {
    corner = in_corner;
    gl_Position = to_clip * vec4(spot.xy + in_corner * spot.z, 0.004, 1.0);
}
"""

SHADOW_FRAGMENT = """
uniform vec4 spot;
in vec2 corner;
void main() {
    cut();
#ifndef TRUTH
    float far = length(corner);
    out_colour = vec4(0.0, 0.0, 0.0, spot.w * (1.0 - smoothstep(0.1, 1.0, far)));
#endif
}
"""
"""A soft dark spot on the floor: `spot` is its middle, its radius and how dark it is."""

BODY_VERTEX = """
uniform mat4 to_clip;
in vec3 in_position; in vec3 in_normal; in vec4 in_place;
out vec3 normal; out vec4 place;
void main() {
    normal = in_normal; place = in_place;
    gl_Position = to_clip * vec4(in_position, 1.0);
}
"""

BODY_FRAGMENT = """
uniform vec3 skin; uniform vec3 hair; uniform vec3 top; uniform vec3 accent;
uniform vec3 bottom; uniform vec3 shoes;
uniform vec4 cut_of; uniform vec4 style; uniform float number;
in vec3 normal; in vec4 place;
vec3 cloth(vec3 p, float along) {
    int pattern = int(style.x + 0.5);
    bool second = false;
    if (pattern == 1) second = fract((along > 0.1 ? along * 0.28 : p.z) * 13.0) < 0.42;
    if (pattern == 2) second = fract((along > 0.1 ? p.x : p.y) * 18.0 + 0.25) < 0.3;
    if (pattern == 3)
        second = (fract(p.z * 11.0) < 0.5) != (fract((abs(p.y) + p.x) * 11.0) < 0.5);
    if (pattern == 4)
        second = along < 0.0 && p.x > 0.05 && abs(p.y) < 0.1 && abs(p.z - 1.25) < 0.09;
    if (pattern == 5) second = along < 0.0 && p.x > 0.0 && abs(p.y) < 0.055;
    return second ? accent : top;
}
void main() {
    cut();
    vec3 p = place.xyz;
    float along = place.w;
    float part = number;
    vec3 c = skin;
    float folds = 1.0;
    if (along > -0.2) {
        if (along < cut_of.x) c = cloth(p, along);
        if (along > 1.95) part = number + (p.y > 0.0 ? 1.0 : 2.0);
        if (along > 2.75) c *= 0.93;
    } else if (p.z > 1.46) {
        float edge = p.z > 1.635 ? 0.145 : (p.z > style.y ? 0.045 : -1.0);
        if (style.z < 0.5 && p.x < edge) {
            c = hair;
            folds = 0.9 + 0.1 * sin(p.y * 260.0 + p.x * 40.0);
        } else if (p.x > 0.12 && abs(p.z - 1.605) < 0.012 && abs(abs(p.y) - 0.033) < 0.014) {
            c = vec3(0.12, 0.09, 0.08);
        } else if (p.x > 0.12 && abs(p.z - 1.515) < 0.007 && abs(p.y) < 0.024) {
            c = skin * vec3(0.78, 0.5, 0.5);
        }
    } else if (p.z > 1.47 - 0.8 * max(0.0, p.x + 0.02)) {
        c = skin;
    } else if (p.z > cut_of.z) {
        c = cloth(p, along);
    } else if (p.z > cut_of.y) {
        c = bottom;
        if (p.z > cut_of.z - 0.03) c *= 0.6;
    } else if (p.z < 0.075) {
        c = shoes;
    }
    vec3 n = normalize(normal);
    float under = 0.75 + 0.25 * smoothstep(0.2, 1.2, p.z);
    give(c * daylight(n) * folds * under, part);
}
"""
"""A person: `cut_of` where sleeves, hem and top end; `style` pattern, hairline, baldness."""


def source(vertex: str, fragment: str, *, truth: bool, over: bool) -> tuple[str, str]:
    """Vertex and fragment source of one variant of a program."""
    flags = ("#define TRUTH\n" if truth else "") + ("#define OVER\n" if over else "")
    return _HEAD + vertex, _HEAD + flags + _FRAGMENT + fragment
