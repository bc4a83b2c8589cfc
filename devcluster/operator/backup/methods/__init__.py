"""How an engine's rows get into a backup and back: one file per engine that is really run; the others are simulated."""
