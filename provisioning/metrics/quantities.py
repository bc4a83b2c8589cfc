"""Reads Kubernetes quantities of CPU and memory. Pure.

Source: apimachinery pkg/api/resource/quantity.go.
"""

_FACTORS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_FACTORS |= {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}


def quantity(text: object) -> float:
    """Return the number in its base unit, cores or bytes; 0 for none."""
    written = str(text or "0")
    number = written.rstrip("KMGTikmnu")
    return float(number) * _FACTORS[written[len(number) :]]
