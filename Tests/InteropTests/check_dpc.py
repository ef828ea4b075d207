"""Compares the dpc results of a Ronchi output with independent simulations and with py4DSTEM.

    check_dpc.py KIND RESULT.h5 FOLDER

KIND: srtio3, aperiodic_counts, aperiodic_clean or mos2; FOLDER: of the simulation, with truth.npz and refs.
Prints one line a check; ends with an exception at the first that fails.
"""
import sys

import h5py
import numpy as np

kind, result, folder = sys.argv[1:4]

with h5py.File(result, "r") as h5:
    channel = h5["/Measurement_000/Channel_000"]
    group = channel[next(name for name in channel if "-Dpc_" in name)]
    shape = tuple(group.attrs["scan_shape"])
    maps = {k: v[()].reshape(shape) for k, v in group.items() if v.shape == (shape[0] * shape[1], 1)}
    attributes = dict(group.attrs)


def check(name, condition, *values):
    print(("ok    " if condition else "FAILED ") + name, *values)
    assert condition, name


def flat(a):
    """Without mean and plane."""
    y, x = np.mgrid[: a.shape[0], : a.shape[1]]
    terms = np.stack([np.ones(a.size), y.ravel(), x.ravel()], 1)
    return a - (terms @ np.linalg.lstsq(terms, a.ravel(), rcond=None)[0]).reshape(a.shape)


def compare(measured, truth):
    """Slope of measured over truth, rms in parts of the range, correlation."""
    p, t = flat(measured), flat(truth)
    rms = np.sqrt(np.mean((p - t) ** 2)) / np.ptp(t)
    return (p * t).sum() / (t * t).sum(), rms, np.corrcoef(p.ravel(), t.ravel())[0, 1]


def strontium_titanate():
    truth = np.load(folder + "/truth.npz")
    sigma, samples, positions = 0.0010087066, truth["projected_potential"].shape[0], truth["positions"]
    intensity = np.abs(truth["probe"].astype(complex)) ** 2
    spectrum = np.fft.fft2(sigma * truth["projected_potential"].astype(float)) * np.conj(
        np.fft.fft2(np.fft.ifftshift(intensity / intensity.sum())))
    frequency = np.fft.fftfreq(samples, truth["cell"][0] / samples)
    along_y = np.exp(2j * np.pi * np.outer(positions[:, 0, 0], frequency))
    along_x = np.exp(2j * np.pi * np.outer(positions[0, :, 1], frequency))
    return (along_y @ spectrum @ along_x.T).real / samples**2


if kind == "srtio3":
    slope, rms, _ = compare(maps["phase"], strontium_titanate())
    check("phase against the potential", 1.00 <= slope <= 1.05 and rms <= 0.015, slope, rms)
    angle = attributes["scan_rotation_deg"]
    check("rotation", abs(angle) < 0.1 and not attributes["transpose"] and not attributes["ambiguous"], angle)
    peer = np.load(folder + "/refs/dpc.npz")["object_phase"].astype(float) * 2 * np.pi
    slope, _, r = compare(maps["phase"], peer)
    check("phase against py4DSTEM", r >= 0.995 and 0.93 <= slope <= 1.00, slope, r)
elif kind == "mos2":
    check("rotation is ambiguous", bool(attributes["ambiguous"]))
    check("candidates are stored", len(np.atleast_1d(attributes["candidates_scan_rotation_deg"])) >= 2)
    check("the small detector is warned about", "three times the semi-angle" in attributes["warnings"])
else:
    clean = kind == "aperiodic_clean"
    truth = np.load(folder + "/truth.npz")
    angle = attributes["scan_rotation_deg"]
    check("rotation", abs(angle - 17) < 0.5 and bool(attributes["transpose"]) and not attributes["ambiguous"], angle)
    for axis in "yx":
        p, t = (a - a.mean() for a in (maps[f"deflection_{axis}"], truth[f"deflection_scan_{axis}"]))
        slope, r = (p * t).sum() / (t * t).sum(), np.corrcoef(p.ravel(), t.ravel())[0, 1]
        check(f"deflection {axis}", abs(slope - 1) < 0.02 and r >= (0.999 if clean else 0.975), slope, r)
    slope, rms, _ = compare(maps["phase"], truth["phase_convolved_scan"])
    limits = (0.005, 0.005) if clean else (0.02, 0.025)
    check("phase", abs(slope - 1) < limits[0] and rms < limits[1], slope, rms)
print("all checks passed")
