"""Every manifest that provisioning makes, written down: a change of one is a change that somebody reads.

`python -m tests.provisioning.golden` writes the files, `--check` only says which differ.
"""
