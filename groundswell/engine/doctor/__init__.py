"""Whether all is well: what `groundswell doctor` looks at, and how numbers are compared."""
