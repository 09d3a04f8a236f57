"""Charts of a run, as SVG written by hand: readable on light and on dark."""
