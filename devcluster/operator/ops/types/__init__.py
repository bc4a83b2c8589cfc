"""One file is one type of request; `devcluster.operator.ops.change.load_changes` finds the `CHANGE` of each."""
