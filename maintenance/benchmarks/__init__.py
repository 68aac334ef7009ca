"""What step 06 costs. Run by hand: python -m maintenance.benchmarks --help."""
