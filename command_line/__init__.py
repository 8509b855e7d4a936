"""What the programs of this repository share on the command line: how each of them ends. Knows nothing of them."""
