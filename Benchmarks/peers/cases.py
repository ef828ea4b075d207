"""The cases: the same geometry for every program, as masks for the peers and as a job for Ronchi."""
import numpy as np

#: Radii in shares of the detector's width.
DETECTORS = {"bf": (0, 0.07), "abf": (0.07, 0.14), "adf": (0.16, 0.3), "haadf": (0.3, 0.5)}
MASKS = 32
BINS = 128

#: case → what it is, the ratio to the best LiberTEM run that it must reach.
CASES = {
    "mask1": ("one annular mask", 4.0),
    "mask4": ("four detectors", 5.0),
    "com": ("center of mass", 6.0),
    "sums": ("sum + max + mean", 4.0),
    "stats": ("the same (ours: min, std and maps too)", 2.5),
    "mask32": ("32 dense masks", 1.8),
    "radial": ("radial profile, 128 bins", 3.0),
    "all": ("everything but the 32 masks, one job", 4.0),
    "fused": ("four detectors, center of mass, statistics in one job (ours: origin and its fit too)", 4.0),
}

#: What the other programs are asked for, where that has another name.
THEIRS = {"sums": "stats"}


def center(width):
    return (width - 1) / 2


def radius(width):
    y, x = np.ogrid[:width, :width]
    return np.hypot(y - center(width), x - center(width))


def ring(width, inner, outer):
    r = radius(width)
    return ((r >= inner * width) & (r < outer * width)).astype(np.float32)


def masks(case, width):
    if case == "mask1":
        return ring(width, *DETECTORS["haadf"])[None]
    if case == "mask4":
        return np.stack([ring(width, *radii) for radii in DETECTORS.values()])
    return np.random.default_rng(0).random((MASKS, width, width), dtype=np.float32)


def rings(width):
    """The ring of every pixel; BINS where it lies outside of all."""
    return np.minimum((radius(width) * (2 * BINS / width)).astype(int), BINS)


# ---------------------------------------------------------------- jobs

def annulus(name, radii, width):
    inner, outer = radii[0] * width, radii[1] * width
    return f"{name}: {{shape: annulus, inner_radius: {inner!r} px, outer_radius: {outer!r} px}}"


def job(case, width, mask_path):
    """YAML for Ronchi. `mask_path(i)`: where the i-th dense mask lies."""
    one = annulus("mask", DETECTORS["haadf"], width)
    four = ", ".join(annulus(name, radii, width) for name, radii in DETECTORS.items())
    dense = ", ".join(f"m{i}: {{shape: mask, path: {mask_path(i)}}}" for i in range(MASKS))
    detectors = "  - virtual_detectors: {{detectors: {{{}}}}}"
    lines = {
        "mask1": [detectors.format(one)],
        "mask4": [detectors.format(four)],
        "mask32": [detectors.format(dense)],
        "com": ["  - center_of_mass: {}"],
        "sums": ["  - frame_statistics: {outputs: [sum, max, mean]}"],
        "stats": ["  - frame_statistics: {}"],
        "radial": [f"  - radial_profile: {{bins: {BINS}, outer_radius: {width / 2!r} px}}"],
    }
    lines["all"] = [detectors.format(f"{one}, {four}")] + lines["com"] + lines["stats"] + lines["radial"]
    lines["fused"] = [detectors.format(four)] + lines["com"] + lines["stats"] + \
        [f"  - origin: {{radius: {0.09 * width!r} px}}"]
    middle = center(width)
    return "\n".join([f"calibration: {{center: [{middle}, {middle}]}}", "analyses:", *lines[case], ""])


# ---------------------------------------------------------------- Ronchi's results

def results(case, file, width):
    """The arrays of a result file, in the form in which the peers give them."""
    def group(tool):
        channel = file["Measurement_000/Channel_000"]
        return next(channel[name] for name in channel if name.endswith(f"{tool}_000"))

    def maps(tool, names):
        found = group(tool)
        return np.stack([found[n][()].reshape(found.attrs["scan_shape"]) for n in names])

    if case in ("mask1", "mask4", "mask32"):
        names = {"mask1": ["mask"], "mask4": list(DETECTORS), "mask32": [f"m{i}" for i in range(MASKS)]}
        return {case: maps("Virtual_Detectors", names[case])}
    if case == "com":
        return {case: maps("Center_Of_Mass", ["deflection_y", "deflection_x"]) + center(width)}
    if case in ("sums", "stats"):
        found = group("Frame_Statistics")
        return {"stats": np.stack([found[n][()].reshape(width, width) for n in ("sum", "mean", "max")])}
    if case == "radial":
        found = group("Radial_Profile")
        return {case: found["profile"][()].reshape(*found.attrs["scan_shape"], BINS)}
    if case == "fused":
        return results("mask4", file, width) | results("com", file, width) | results("stats", file, width)
    both = maps("Virtual_Detectors", ["mask", *DETECTORS])
    return {"mask1": both[:1], "mask4": both[1:]} | results("com", file, width) | results("stats", file, width) | \
        results("radial", file, width)
