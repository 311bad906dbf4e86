"""The results of checks in the formats of `--format`: each module has a function from results to text."""
