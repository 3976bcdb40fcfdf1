"""Measurements: figures that say how much a thing costs, as counts and ratios within one run."""
