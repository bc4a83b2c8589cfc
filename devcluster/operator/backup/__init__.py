"""Plays KubeStash beside KubeDB's operator: backups, restores, schedules, retention and point in time.

One file per kind of object says what happens to it; `methods/` says how an engine's rows get into a file and back;
`vault.py` keeps the files. `coordinator.py` decides when an object is looked at. Nothing here is imported by the product.
"""
