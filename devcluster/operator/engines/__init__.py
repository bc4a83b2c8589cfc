"""One file is one engine; `devcluster.operator.engine.load_engines` finds the `ENGINE` of each."""
